import { mkdir, rm } from 'node:fs/promises'
import { isMissing } from '../../../shared/grpc/grpc-client.ts'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import { type ContainerRuntime, RuntimeError, type SandboxConfig, type SandboxStatus } from '../container-runtime.ts'
import { removeHalfMade } from '../half-made.ts'
import { label, podOf, sandboxLabels } from '../owner-labels.ts'
import { limitPod, removePodCgroup, weighPod } from '../pod-cgroup.ts'
import type { CriClient } from './cri-client.ts'
import { type CriPlace, podLogFolder, sandboxRequest } from './cri-create.ts'
import type { CriInspect } from './cri-inspect.ts'
import type { PodSandboxStatus } from './cri-messages.ts'
import { processInfo, sandboxStatus } from './cri-status.ts'

/** The sandbox's own configuration, which the runtime wants again with each of its containers. */
const CONFIG = 'coxswain.sandbox-config'

/** What all parts of the CRI driver share. */
export interface CriParts {
  cri: CriClient
  node: string
  inspect: CriInspect
  /** Asked of machine and runtime once. */
  place(): Promise<CriPlace>
  /** Something was changed: whoever compares lists should look soon. */
  changed(): void
  clock: Clock
  log: Logger
}

type Sandboxes = Pick<ContainerRuntime, 'runSandbox' | 'weighSandbox' | 'stopSandbox' | 'removeSandbox' | 'listSandboxes'>

/** Pods' shared namespaces, made and connected by the runtime. */
export function criSandboxes(parts: CriParts): Sandboxes {
  const { cri, node, log } = parts
  /** Ready sandboxes with their addresses, which the runtime's list leaves out. */
  const known = new Map<string, SandboxStatus>()

  async function runSandbox(config: SandboxConfig, signal: AbortSignal): Promise<SandboxStatus> {
    const place = await parts.place()
    const labels = sandboxLabels(node, config)
    const request = { ...sandboxRequest(config, labels, place), annotations: { [CONFIG]: JSON.stringify(config) } }
    await mkdir(podLogFolder(place.logsDir, config.pod), { recursive: true, mode: 0o755 })
    let id: string | undefined
    try {
      const asked = { config: request, runtimeHandler: config.runtimeHandler ?? '' }
      id = (await cri.call('RunPodSandbox', asked, { signal })).podSandboxId
      await weighPod(config.cgroupParent, place.cgroupDriver, config.cpuShares).catch((error: unknown) => {
        // A machine whose cgroups cannot be written runs pods all the same; they only share its processors less fairly.
        log.warn('a pod could not be given its share of the processors', { pod: config.pod.name, error: messageOf(error) })
      })
      if (config.limits) await limitPod(config.cgroupParent, place.cgroupDriver, config.limits)
      const status = await sandboxOf(cri, id, signal)
      if (status?.state !== 'SANDBOX_READY') throw new Error('the sandbox ended while starting')
      return sandboxStatus(status)
    } catch (error) {
      if (id !== undefined) await removeHalfMade(removeSandbox, id, log)
      if (signal.aborted) throw error
      throw new RuntimeError('CreatePodSandboxError', `failed to create pod sandbox: ${messageOf(error)}`, { cause: error })
    } finally {
      parts.changed()
    }
  }

  async function stopSandbox(id: string, signal: AbortSignal): Promise<void> {
    known.delete(id)
    await forgiving(cri.call('StopPodSandbox', { podSandboxId: id }, { signal }))
    parts.changed()
  }

  async function removeSandbox(id: string, signal: AbortSignal): Promise<void> {
    const status = await sandboxOf(cri, id, signal)
    await stopSandbox(id, signal)
    await forgiving(cri.call('RemovePodSandbox', { podSandboxId: id }, { signal }))
    if (!status) return
    const { cgroupDriver, logsDir } = await parts.place()
    await removePodCgroup(status.labels[label.cgroupParent] ?? '', cgroupDriver)
    const pod = podOf(status.labels)
    const left = await listSandboxes({ podUid: pod.uid }, signal)
    if (left.length === 0) await rm(podLogFolder(logsDir, pod), { recursive: true, force: true })
  }

  async function listSandboxes({ podUid }: { podUid?: string | undefined }, signal: AbortSignal): Promise<SandboxStatus[]> {
    const labelSelector = { [label.node]: node, ...(podUid ? { [label.podUid]: podUid } : {}) }
    const { items } = await cri.call('ListPodSandbox', { filter: { labelSelector } }, { signal })
    const statuses = await Promise.all(
      items.map(async (item) => {
        if (item.state !== 'SANDBOX_READY') return sandboxStatus({ ...item, network: null, annotations: {} })
        const remembered = known.get(item.id)
        if (remembered) return remembered
        const status = await sandboxOf(cri, item.id, signal)
        if (!status) return undefined
        const found = sandboxStatus(status)
        if (found.state === 'ready') known.set(item.id, found)
        return found
      }),
    )
    if (podUid === undefined) {
      const living = new Set(items.map(({ id }) => id))
      for (const id of known.keys()) if (!living.has(id)) known.delete(id)
    }
    return statuses.filter((one) => one !== undefined).sort((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt)
  }

  return {
    runSandbox,
    async weighSandbox(id, cpuShares, signal) {
      const status = await sandboxOf(cri, id, signal)
      if (status?.state !== 'SANDBOX_READY') return
      await weighPod(status.labels[label.cgroupParent] ?? '', (await parts.place()).cgroupDriver, cpuShares)
    },
    stopSandbox,
    removeSandbox,
    listSandboxes,
  }
}

/** What a sandbox was made from; undefined when it is gone, or was not made by us. */
export async function sandboxConfigOf(cri: CriClient, id: string, signal: AbortSignal): Promise<SandboxConfig | undefined> {
  const text = (await sandboxOf(cri, id, signal))?.annotations[CONFIG]
  // Written by ourselves, and kept by the runtime as it is.
  return text === undefined ? undefined : (JSON.parse(text) as SandboxConfig)
}

/** The first process of a sandbox's namespaces; undefined when it does not run, or the runtime does not say. */
export async function sandboxPid(cri: CriClient, id: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const { status, info } = await cri.call('PodSandboxStatus', { podSandboxId: id, verbose: true }, { signal })
    return status?.state === 'SANDBOX_READY' ? processInfo(info).pid : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function sandboxOf(cri: CriClient, id: string, signal: AbortSignal): Promise<PodSandboxStatus | undefined> {
  try {
    return (await cri.call('PodSandboxStatus', { podSandboxId: id }, { signal })).status ?? undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** For calls whose aim is that something is not there. */
export async function forgiving(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
