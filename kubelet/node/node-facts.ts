import { readFile } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import type { NodeSystemInfo } from '../../shared/openapi/generated/core-v1.ts'

/** The names Go, and therefore Kubernetes, has for processor architectures. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  ia32: '386',
  arm: 'arm',
  ppc64: 'ppc64le',
  s390x: 's390x',
}

/** The architecture as `kubernetes.io/arch` says it. */
export function architectureName(nodeArchitecture: string): string {
  return ARCHITECTURES[nodeArchitecture] ?? nodeArchitecture
}

/** What does not change while the kubelet runs; the runtime's version comes from the runtime. */
export async function readNodeFacts(kubeletVersion: string, treeRoot = '/'): Promise<Omit<NodeSystemInfo, 'containerRuntimeVersion'>> {
  const read = (path: string) =>
    readFile(join(treeRoot, path), 'utf8')
      .then((text) => text.trim())
      .catch(() => '')
  const [machineID, systemUUID, bootID, osRelease] = await Promise.all([
    read('etc/machine-id'),
    read('sys/class/dmi/id/product_uuid'),
    read('proc/sys/kernel/random/boot_id'),
    read('etc/os-release'),
  ])
  return {
    machineID: machineID || bootID.replaceAll('-', ''),
    systemUUID: systemUUID || machineID || bootID,
    bootID,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    kubeletVersion,
    kubeProxyVersion: '',
    operatingSystem: 'linux',
    architecture: architectureName(process.arch),
  }
}
