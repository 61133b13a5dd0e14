import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod, VolumeMount } from '../../shared/openapi/generated/core-v1.ts'
import { hostsFile, podHostname } from '../network/hosts-file.ts'
import type { AnyContainer } from '../pods/pod-containers.ts'
import { containerDirectory, podDirectory } from '../pods/pod-directory.ts'
import { type ContainerMount, RuntimeError } from '../runtime/container-runtime.ts'
import type { Mounter } from '../volumes/mounter.ts'
import { silentServer } from '../volumes/nfs.ts'
import { prepareSubPath } from '../volumes/sub-path.ts'
import { type PreparedVolume, VolumeError } from '../volumes/volume.ts'
import { expand } from './variable-expansion.ts'

export interface MountSources {
  rootDir: string
  clusterDomain: string
  mounter: Mounter
}

export interface MountInput {
  pod: Pod
  container: AnyContainer
  attempt: number
  podIPs: readonly string[]
  volumes: ReadonlyMap<string, PreparedVolume>
  environment: ReadonlyMap<string, string>
}

const DEFAULT_MESSAGE_PATH = '/dev/termination-log'

/** Everything mounted into a container, and the node's file that will hold its termination message. @throws RuntimeError */
export async function containerMounts(
  input: MountInput,
  sources: MountSources,
  signal: AbortSignal,
): Promise<{ mounts: ContainerMount[]; messageFile: string }> {
  const { pod, container, attempt } = input
  const mounts: ContainerMount[] = []
  for (const [index, mount] of (container.volumeMounts ?? []).entries())
    mounts.push(await volumeMount(input, mount, index, sources, signal))

  const own = containerDirectory(sources.rootDir, pod.metadata.uid ?? '', container.name)
  await mkdir(own, { recursive: true, mode: 0o750 })
  const messageFile = join(own, `${attempt}.message`)
  await writeFile(messageFile, '')
  // The container may run as any user; chmod, because the process's umask would narrow a mode given to writeFile.
  await chmod(messageFile, 0o666)
  const target = container.terminationMessagePath || DEFAULT_MESSAGE_PATH
  if (!isTaken(mounts, target)) mounts.push({ source: messageFile, target, readOnly: false, propagation: 'private' })
  if (!isTaken(mounts, '/etc/hosts')) mounts.push(await hostsMount(input, sources))
  return { mounts, messageFile }
}

async function volumeMount(
  { pod, container, volumes, environment }: MountInput,
  mount: VolumeMount,
  index: number,
  { rootDir, mounter }: MountSources,
  signal: AbortSignal,
): Promise<ContainerMount> {
  const volume = volumes.get(mount.name)
  if (volume?.isDevice)
    throw new RuntimeError('CreateContainerConfigError', `volume ${mount.name} has volumeMode Block, but is specified in volumeMounts`)
  if (!volume) throw new RuntimeError('CreateContainerConfigError', `volume ${JSON.stringify(mount.name)} is not part of the pod`)
  if (mount.recursiveReadOnly === 'Enabled') {
    const message = `volume ${JSON.stringify(mount.name)} requested recursive read-only mode, but it is not supported by the runtime`
    throw new RuntimeError('CreateContainerConfigError', message)
  }
  if (volume.isRemote) await mustAnswer(volume, mount.name, mounter, signal)
  const subPath = mount.subPathExpr ? expandStrictly(mount.subPathExpr, environment) : mount.subPath
  let source = volume.hostPath
  if (subPath) {
    try {
      source = await prepareSubPath(
        {
          podDirectory: podDirectory(rootDir, pod.metadata.uid ?? ''),
          volumeName: mount.name,
          containerName: container.name,
          index,
          volumePath: volume.hostPath,
          subPath,
          create: !volume.readOnly,
        },
        mounter,
        signal,
      )
    } catch (error) {
      if (!(error instanceof VolumeError)) throw error
      const message = `failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}": ${error.message}`
      throw new RuntimeError('CreateContainerConfigError', message, { cause: error })
    }
  }
  const propagation = { None: 'private', HostToContainer: 'rslave', Bidirectional: 'rshared' } as const
  const readOnly = volume.readOnly || (mount.readOnly ?? false)
  const how = propagation[(mount.mountPropagation ?? 'None') as keyof typeof propagation] ?? 'private'
  return { source, target: absolute(mount.mountPath), readOnly, propagation: how }
}

/** The runtime looks at what it mounts, and would hang there; so would this process in a sub-path. */
async function mustAnswer({ hostPath }: PreparedVolume, name: string, mounter: Mounter, signal: AbortSignal): Promise<void> {
  const condition = await mounter.condition(hostPath, signal)
  if (condition === 'answers') return
  const what = `volume ${JSON.stringify(name)}`
  const message = condition === 'silent' ? silentServer(what) : `${what} is not what it was: its server has lost it, or has gone`
  throw new RuntimeError('CreateContainerConfigError', message)
}

/** A sub-path must be known exactly: one unknown variable and the wrong folder would be mounted. */
function expandStrictly(text: string, environment: ReadonlyMap<string, string>): string {
  const missing: string[] = []
  const path = expand(text, (name) => {
    const value = environment.get(name)
    if (value === undefined) missing.push(name)
    return value ?? ''
  })
  if (missing.length > 0) throw new RuntimeError('CreateContainerConfigError', `missing value for ${JSON.stringify(missing[0])}`)
  return path
}

async function hostsMount({ pod, podIPs }: MountInput, { rootDir, clusterDomain }: MountSources): Promise<ContainerMount> {
  const source = join(podDirectory(rootDir, pod.metadata.uid ?? ''), 'etc-hosts')
  const nodeFile = pod.spec.hostNetwork ? await readFile('/etc/hosts', 'utf8') : ''
  await writeFile(source, hostsFile(pod, podHostname(pod, clusterDomain), podIPs, nodeFile), { mode: 0o644 })
  return { source, target: '/etc/hosts', readOnly: false, propagation: 'private' }
}

function isTaken(mounts: readonly ContainerMount[], target: string): boolean {
  return mounts.some((mount) => mount.target === target)
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}
