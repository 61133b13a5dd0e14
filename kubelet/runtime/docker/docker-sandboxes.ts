import type { ContainerInfo, ContainerInspectInfo } from 'dockerode'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { PodNetwork } from '../../network/pod-network.ts'
import { type ContainerRuntime, RuntimeError, type SandboxConfig, type SandboxStatus } from '../container-runtime.ts'
import { removeHalfMade } from '../half-made.ts'
import type { HostLimits } from '../host-limits.ts'
import type { LogLimits } from '../log-limits.ts'
import { label, podOf, sandboxLabels } from '../owner-labels.ts'
import { limitPod, removePodCgroup, weighPod } from '../pod-cgroup.ts'
import { type DockerClient, DockerError, isMissing } from './docker-client.ts'
import { sandboxBody } from './docker-create.ts'
import { ownedFilter } from './docker-filter.ts'
import type { DockerInspect } from './docker-inspect.ts'

/** What all parts of the Docker driver share. */
export interface DockerParts {
  docker: DockerClient
  node: string
  network: PodNetwork
  inspect: DockerInspect
  /** Asked of the engine once. */
  engine(): Promise<{ cgroupDriver: string; rootDir: string | undefined; limits: HostLimits }>
  pull: ContainerRuntime['pullImage']
  pauseImage: string
  logs?: LogLimits | undefined
  log: Logger
}

type Sandboxes = Pick<ContainerRuntime, 'runSandbox' | 'weighSandbox' | 'stopSandbox' | 'removeSandbox' | 'listSandboxes'>

/** Pods' shared namespaces: a pause container without network, connected by CNI. */
export function dockerSandboxes(parts: DockerParts): Sandboxes {
  const { docker, node, network, inspect, log } = parts

  async function runSandbox(config: SandboxConfig, signal: AbortSignal): Promise<SandboxStatus> {
    const { cgroupDriver, limits } = await parts.engine()
    const labels = sandboxLabels(node, config)
    const body = sandboxBody(config, parts.pauseImage, labels, cgroupDriver, limits)
    const name = sandboxName(config)
    const id = await createNamed(parts, name, body, signal)
    try {
      await docker.call('POST', `/containers/${id}/start`, { signal })
      const details = await inspect.fresh(id, signal)
      if (!details?.State.Running) throw new RuntimeError('CreatePodSandboxError', 'the sandbox ended while starting')
      await weighPod(config.cgroupParent, cgroupDriver, config.cpuShares).catch((error: unknown) => {
        // A machine whose cgroups cannot be written runs pods all the same; they only share its processors less fairly.
        log.warn('a pod could not be given its share of the processors', { pod: config.pod.name, error: messageOf(error) })
      })
      if (config.limits) await limitPod(config.cgroupParent, cgroupDriver, config.limits)
      const ips = config.hostNetwork ? [] : await network.attach({ ...config, id }, netnsOf(details), signal)
      return { id, state: 'ready', attempt: config.attempt, pod: config.pod, createdAt: Date.parse(details.Created), ips, labels }
    } catch (error) {
      await removeHalfMade(removeSandbox, id, log)
      throw signal.aborted
        ? error
        : new RuntimeError('CreatePodSandboxError', `failed to create pod sandbox: ${messageOf(error)}`, { cause: error })
    }
  }

  async function stopSandbox(id: string, signal: AbortSignal): Promise<void> {
    const details = await inspect.fresh(id, signal)
    // Before the process goes: the plugin undoes its work inside a namespace that still exists.
    await network.detach(id, details?.State.Running && !isHostNetwork(details) ? netnsOf(details) : undefined)
    if (!details?.State.Running) return
    try {
      // The pause process holds nothing worth a grace period.
      await docker.call('POST', `/containers/${id}/kill`, { query: { signal: 'KILL' }, signal })
      await docker.call('POST', `/containers/${id}/wait`, { signal })
      inspect.forget(id)
    } catch (error) {
      // 409: it ended between the two calls.
      if (!isMissing(error) && !(error instanceof DockerError && error.statusCode === 409)) throw error
    }
  }

  async function removeSandbox(id: string, signal: AbortSignal): Promise<void> {
    const details = await inspect.fresh(id, signal)
    await stopSandbox(id, signal)
    await forceRemove(docker, id, signal)
    inspect.forget(id)
    const { cgroupDriver } = await parts.engine()
    await removePodCgroup(details?.Config.Labels[label.cgroupParent] ?? '', cgroupDriver)
  }

  async function statusOf(info: ContainerInfo, signal: AbortSignal): Promise<SandboxStatus> {
    const hostNetwork = info.Labels[label.hostNetwork] === 'true'
    const isRunning = (await inspect.of(info, signal))?.State.Running
    const ips = !isRunning ? undefined : hostNetwork ? [] : await network.addresses(info.Id)
    return {
      id: info.Id,
      // A running one without addresses is half made: the kubelet died before its network was there.
      state: ips ? 'ready' : 'notReady',
      attempt: Number(info.Labels[label.attempt] ?? 0),
      pod: podOf(info.Labels),
      createdAt: info.Created * 1000,
      ips: ips ?? [],
      labels: info.Labels,
    }
  }

  return {
    runSandbox,
    async weighSandbox(id, cpuShares, signal) {
      const details = await inspect.fresh(id, signal)
      if (!details?.State.Running) return
      const { cgroupDriver } = await parts.engine()
      await weighPod(details.Config.Labels[label.cgroupParent] ?? '', cgroupDriver, cpuShares)
    },
    stopSandbox,
    removeSandbox,
    async listSandboxes(filter, signal) {
      const query = { all: true, filters: ownedFilter(node, 'sandbox', filter) }
      const found = await docker.call<ContainerInfo[]>('GET', '/containers/json', { query, signal })
      const statuses = await Promise.all(found.map((info) => statusOf(info, signal)))
      return statuses.sort((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt)
    },
  }
}

/** Creates a container under a name of ours; a leftover of that name, from a crash between two steps, makes way. */
export async function createNamed(
  parts: Pick<DockerParts, 'docker' | 'pull' | 'pauseImage'>,
  name: string,
  body: { Image?: string | undefined },
  signal: AbortSignal,
): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return (await parts.docker.call<{ Id: string }>('POST', '/containers/create', { query: { name }, body, signal })).Id
    } catch (error) {
      if (!(error instanceof DockerError) || attempt >= 2) throw error
      if (error.statusCode === 409) await forceRemove(parts.docker, name, signal)
      else if (error.statusCode === 404 && body.Image === parts.pauseImage) await parts.pull(parts.pauseImage, undefined, signal)
      else throw error
    }
  }
}

/** Removes a container with its anonymous volumes, running or not, there or not. */
export async function forceRemove(docker: DockerClient, idOrName: string, signal: AbortSignal): Promise<void> {
  try {
    await docker.call('DELETE', `/containers/${idOrName}`, { query: { force: true, v: true }, signal })
  } catch (error) {
    // 409: a removal is already under way; what counts is that it goes.
    if (!isMissing(error) && !(error instanceof DockerError && error.statusCode === 409 && /already in progress/.test(error.message)))
      throw error
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function netnsOf(details: ContainerInspectInfo): string {
  return `/proc/${details.State.Pid}/ns/net`
}

function isHostNetwork(details: ContainerInspectInfo): boolean {
  return details.HostConfig.NetworkMode === 'host'
}

function sandboxName(config: SandboxConfig): string {
  const { pod } = config
  return `k8s_POD_${pod.name}_${pod.namespace}_${pod.uid}_${config.attempt}`
}
