import type { ContainerInfo, ContainerInspectInfo } from 'dockerode'
import {
  type ContainerConfig,
  type ContainerLimits,
  type ContainerRuntime,
  type ContainerStatus,
  RuntimeError,
} from '../container-runtime.ts'
import { containerLabels, label, podOf } from '../owner-labels.ts'
import { DockerError, isMissing } from './docker-client.ts'
import { containerBody, limitsBody, limitsOf } from './docker-create.ts'
import type { EarlyOutput } from './docker-early-output.ts'
import { ownedFilter } from './docker-filter.ts'
import { engineTime } from './docker-inspect.ts'
import { createNamed, type DockerParts, forceRemove, messageOf } from './docker-sandboxes.ts'

/** What a container that never started is said to have exited with (containerd's code, which people know). */
const START_ERROR_EXIT_CODE = 128

type Containers = Pick<
  ContainerRuntime,
  'createContainer' | 'startContainer' | 'updateContainer' | 'stopContainer' | 'removeContainer' | 'listContainers' | 'containerStatus'
>

/** Application containers: each joins the network and IPC namespaces of its sandbox. */
export function dockerContainers(parts: DockerParts, early: EarlyOutput): Containers {
  const { docker, node, inspect } = parts

  async function createContainer(sandboxId: string, config: ContainerConfig, signal: AbortSignal): Promise<string> {
    const { cgroupDriver, limits } = await parts.engine()
    const sandbox = await inspect.fresh(sandboxId, signal)
    if (!sandbox) throw new RuntimeError('CreateContainerError', `sandbox ${sandboxId} is gone`)
    const pod = podOf(sandbox.Config.Labels)
    const labels = containerLabels(node, sandboxId, pod, config)
    const { [label.cgroupParent]: cgroupParent = '', [label.hostNetwork]: hostNetwork } = sandbox.Config.Labels
    const home = { id: sandboxId, cgroupParent, hostNetwork: hostNetwork === 'true', runtime: sandbox.HostConfig.Runtime }
    const body = containerBody(home, config, labels, cgroupDriver, limits, parts.logs)
    const name = `k8s_${config.name}_${pod.name}_${pod.namespace}_${pod.uid}_${config.attempt}`
    try {
      const id = await createNamed(parts, name, body, signal)
      if (config.stdin) early.expect(id, config.tty)
      return id
    } catch (error) {
      throw explained(error, 'CreateContainerError')
    }
  }

  async function startContainer(id: string, signal: AbortSignal): Promise<void> {
    try {
      await early.hold(id)
      await docker.call('POST', `/containers/${id}/start`, { signal })
    } catch (error) {
      early.forget(id)
      throw explained(error, 'RunContainerError')
    } finally {
      inspect.forget(id)
    }
  }

  async function updateContainer(id: string, limits: ContainerLimits, signal: AbortSignal): Promise<void> {
    try {
      await docker.call('POST', `/containers/${id}/update`, { body: limitsBody(limits), signal })
    } catch (error) {
      if (!isMissing(error)) throw explained(error, 'ResizeError')
    } finally {
      inspect.forget(id)
    }
  }

  async function stopContainer(id: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    try {
      await docker.call('POST', `/containers/${id}/stop`, { query: { t: Math.max(0, Math.ceil(graceSeconds)) }, signal })
    } catch (error) {
      if (!isMissing(error)) throw error
    } finally {
      inspect.forget(id)
    }
  }

  function statusOf(details: ContainerInspectInfo): ContainerStatus {
    const { Labels: labels } = details.Config
    const { State: state } = details
    const common = {
      id: details.Id,
      sandboxId: labels[label.sandbox] ?? '',
      podUid: labels[label.podUid] ?? '',
      name: labels[label.containerName] ?? '',
      attempt: Number(labels[label.attempt] ?? 0),
      image: labels[label.image] ?? details.Config.Image,
      imageId: details.Image,
      createdAt: Date.parse(details.Created),
      resources: limitsOf(details.HostConfig),
      labels,
    }
    if (state.Status === 'created') {
      if (state.Error === '' && state.ExitCode === 0) return { ...common, state: 'created' }
      const at = engineTime(state.FinishedAt) ?? common.createdAt
      return { ...common, state: 'exited', exitCode: START_ERROR_EXIT_CODE, reason: 'StartError', message: state.Error, finishedAt: at }
    }
    const startedAt = engineTime(state.StartedAt)
    if (state.Running) return { ...common, state: 'running', startedAt }
    const reason = state.OOMKilled ? 'OOMKilled' : state.ExitCode === 0 ? 'Completed' : 'Error'
    return {
      ...common,
      state: 'exited',
      startedAt,
      finishedAt: engineTime(state.FinishedAt) ?? startedAt ?? common.createdAt,
      exitCode: state.ExitCode,
      reason,
      message: state.Error || undefined,
    }
  }

  return {
    createContainer,
    startContainer,
    updateContainer,
    stopContainer,
    async removeContainer(id, signal) {
      await forceRemove(docker, id, signal)
      early.forget(id)
      inspect.forget(id)
    },
    async listContainers(filter, signal) {
      const query = { all: true, filters: ownedFilter(node, 'container', filter) }
      const found = await docker.call<ContainerInfo[]>('GET', '/containers/json', { query, signal })
      const details = await Promise.all(found.map((info) => inspect.of(info, signal)))
      return details
        .filter((one) => one !== undefined)
        .map(statusOf)
        .sort((a, b) => a.name.localeCompare(b.name) || b.attempt - a.attempt || b.createdAt - a.createdAt)
    },
    async containerStatus(id, signal) {
      const details = await inspect.fresh(id, signal)
      return details && statusOf(details)
    },
  }
}

/** An engine's refusal under the reason that pods show; an abort stays an abort. */
function explained(error: unknown, reason: string): unknown {
  return error instanceof DockerError ? new RuntimeError(reason, messageOf(error), { cause: error }) : error
}
