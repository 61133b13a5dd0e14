import { randomUUID } from 'node:crypto'
import type { ContainerConfig, SandboxConfig } from '../../kubelet/runtime/container-runtime.ts'

/** A sandbox of a pod of its own. */
export function sandboxConfig(overrides: Partial<SandboxConfig> = {}): SandboxConfig {
  const uid = randomUUID()
  return {
    pod: { namespace: 'contract', name: `pod-${uid.slice(0, 8)}`, uid },
    attempt: 0,
    hostname: 'subject',
    hostNetwork: false,
    hostPID: false,
    hostIPC: false,
    dns: { servers: ['10.96.0.10'], searches: ['contract.svc.cluster.local'], options: ['ndots:5'] },
    hostPorts: [],
    sysctls: {},
    cgroupParent: `/kubepods/besteffort/pod${uid}`,
    cpuShares: 2,
    labels: { colour: 'green' },
    ...overrides,
  }
}

/** A container that runs a command with nothing special about it. */
export function containerConfig(image: string, command: readonly string[], overrides: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    name: 'main',
    attempt: 0,
    image,
    command: [...command],
    env: [{ name: 'GREETING', value: 'hello' }],
    mounts: [],
    devices: [],
    tty: false,
    stdin: false,
    stdinOnce: false,
    resources: { oomScoreAdjust: 1000 },
    security: {
      groups: [],
      privileged: false,
      readOnlyRootFilesystem: false,
      noNewPrivileges: false,
      addCapabilities: [],
      dropCapabilities: [],
      seccomp: 'default',
    },
    hostIPC: false,
    labels: { taste: 'sweet' },
    ...overrides,
  }
}
