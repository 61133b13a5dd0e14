import { mkdir } from 'node:fs/promises'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { GrpcError, isMissing } from '../../../shared/grpc/grpc-client.ts'
import { type ContainerConfig, type ContainerLimits, type ContainerRuntime, RuntimeError } from '../container-runtime.ts'
import { containerLabels, label } from '../owner-labels.ts'
import { containerRequest, logPathOf, podLogFolder, resourcesRequest, sandboxRequest } from './cri-create.ts'
import { removeLogs } from './cri-rotation.ts'
import { type CriParts, forgiving, messageOf, sandboxConfigOf } from './cri-sandboxes.ts'
import { imageIdLabel, ioLabel, stopSignalLabel } from './cri-status.ts'

/** How often a container that was signalled here is looked at. Milliseconds. */
const END_POLL = 100
/** How much longer than the grace period a stop may take. Milliseconds. */
const STOP_PATIENCE = 120_000

type Containers = Pick<
  ContainerRuntime,
  'createContainer' | 'startContainer' | 'updateContainer' | 'stopContainer' | 'removeContainer' | 'listContainers' | 'containerStatus'
>

/** Application containers of sandboxes. */
export function criContainers(parts: CriParts): Containers {
  const { cri, node, inspect, clock } = parts

  async function createContainer(sandboxId: string, config: ContainerConfig, signal: AbortSignal): Promise<string> {
    try {
      const [place, sandbox, { image }] = await Promise.all([
        parts.place(),
        sandboxConfigOf(cri, sandboxId, signal),
        cri.call('ImageStatus', { image: { image: config.image } }, { signal }),
      ])
      if (!sandbox) throw new RuntimeError('CreateContainerError', `sandbox ${sandboxId} is gone`)
      if (!image) throw new RuntimeError('CreateContainerError', `no such image: ${config.image}`)
      await mkdir(join(podLogFolder(place.logsDir, sandbox.pod), dirname(logPathOf(config))), { recursive: true, mode: 0o755 })
      const labels = {
        ...containerLabels(node, sandboxId, sandbox.pod, config),
        [imageIdLabel]: image.id,
        [ioLabel]: ioOf(config),
        ...stopSignalOf(config),
      }
      const request = {
        podSandboxId: sandboxId,
        config: containerRequest(sandbox, config, image.id, labels, place.limits),
        sandboxConfig: sandboxRequest(sandbox, {}, place),
      }
      return await create(request, config, signal)
    } catch (error) {
      throw explained(error, 'CreateContainerError')
    } finally {
      parts.changed()
    }
  }

  /** A leftover of the same name and attempt, from a crash between two steps, makes way. */
  async function create(request: Parameters<typeof cri.call<'CreateContainer'>>[1], config: ContainerConfig, signal: AbortSignal) {
    const attempt = async () => (await cri.call('CreateContainer', request, { signal })).containerId
    try {
      return await attempt()
    } catch (error) {
      const labelSelector = {
        [label.sandbox]: request.podSandboxId ?? '',
        [label.containerName]: config.name,
        [label.attempt]: String(config.attempt),
      }
      const { containers } = await cri.call('ListContainers', { filter: { labelSelector } }, { signal })
      if (containers.length === 0) throw error
      for (const { id } of containers) await removeContainer(id, signal)
      return attempt()
    }
  }

  async function startContainer(id: string, signal: AbortSignal): Promise<void> {
    try {
      await cri.call('StartContainer', { containerId: id }, { signal })
    } catch (error) {
      throw explained(error, 'RunContainerError')
    } finally {
      inspect.forget(id)
      parts.changed()
    }
  }

  async function updateContainer(id: string, limits: ContainerLimits, signal: AbortSignal): Promise<void> {
    try {
      await cri.call('UpdateContainerResources', { containerId: id, linux: resourcesRequest(limits) }, { signal })
    } catch (error) {
      const found = isMissing(error) ? undefined : await inspect.fresh(id, signal)
      if (found?.status.state === 'running') throw explained(error, 'ResizeError')
    } finally {
      inspect.forget(id)
    }
  }

  async function stopContainer(id: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    try {
      const isAsked = graceSeconds > 0 && (await signalItself(id, signal))
      if (isAsked) await ended(id, graceSeconds * 1000, signal)
      const timeout = isAsked ? 0 : Math.max(0, Math.ceil(graceSeconds))
      await forgiving(cri.call('StopContainer', { containerId: id, timeout }, { signal, patience: timeout * 1000 + STOP_PATIENCE }))
    } finally {
      inspect.forget(id)
      parts.changed()
    }
  }

  /** False when the image's signal is the right one, which the runtime sends; or when there is nothing to signal. */
  async function signalItself(id: string, signal: AbortSignal): Promise<boolean> {
    const details = await inspect.fresh(id, signal)
    const wanted = constants.signals[details?.status.labels[stopSignalLabel] as NodeJS.Signals]
    if (wanted === undefined || details?.status.state !== 'running' || details.pid === undefined) return false
    try {
      process.kill(details.pid, wanted)
      return true
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
      throw error
    }
  }

  async function ended(id: string, milliseconds: number, signal: AbortSignal): Promise<void> {
    for (const deadline = clock.monotonic() + milliseconds; clock.monotonic() < deadline; await clock.sleep(END_POLL, signal)) {
      if ((await inspect.fresh(id, signal))?.status.state !== 'running') return
    }
  }

  async function removeContainer(id: string, signal: AbortSignal): Promise<void> {
    const details = await inspect.fresh(id, signal)
    await forgiving(cri.call('RemoveContainer', { containerId: id }, { signal }))
    inspect.forget(id)
    if (details?.logPath) await removeLogs(details.logPath)
    parts.changed()
  }

  return {
    createContainer,
    startContainer,
    updateContainer,
    stopContainer,
    removeContainer,
    async listContainers({ podUid }, signal) {
      const labelSelector = { [label.node]: node, ...(podUid ? { [label.podUid]: podUid } : {}) }
      const { containers } = await cri.call('ListContainers', { filter: { labelSelector } }, { signal })
      if (podUid === undefined) inspect.keep(new Set(containers.map(({ id }) => id)))
      const details = await Promise.all(containers.map((one) => inspect.of(one, signal)))
      return details
        .filter((one) => one !== undefined)
        .map(({ status }) => status)
        .sort((a, b) => a.name.localeCompare(b.name) || b.attempt - a.attempt || b.createdAt - a.createdAt)
    },
    async containerStatus(id, signal) {
      return (await inspect.fresh(id, signal))?.status
    },
  }
}

function stopSignalOf({ stopSignal }: ContainerConfig): Record<string, string> {
  return stopSignal === undefined ? {} : { [stopSignalLabel]: stopSignal }
}

function ioOf({ tty, stdin }: ContainerConfig): string {
  return [...(tty ? ['tty'] : []), ...(stdin ? ['stdin'] : [])].join(',')
}

/** A runtime's refusal under the reason that pods show; an abort stays an abort. */
function explained(error: unknown, reason: string): unknown {
  return error instanceof GrpcError ? new RuntimeError(reason, messageOf(error), { cause: error }) : error
}
