import type { Container, Pod, ResourceRequirements } from '../../shared/openapi/generated/core-v1.ts'
import { amountsOf } from '../../shared/pods/resource-requests.ts'
import { podCpuShares } from '../containers/container-resources.ts'
import type { SandboxStatus } from '../runtime/container-runtime.ts'
import type { ResizeState } from '../status/pod-conditions.ts'
import type { ResizeRefusal } from './pod-admission.ts'
import type { PodWorkerTools } from './pod-worker-tools.ts'
import { type ResizeSteps, type ResizeUpdate, resizable } from './resize-plan.ts'

/** How soon a resize that could not be carried out, or that waits for room, is tried again. What frees room wakes the pod at once. */
const RETRY_MILLISECONDS = { failed: 10_000, deferred: 30_000 }

type Tools = Pick<PodWorkerTools, 'runtime' | 'admission' | 'events' | 'clock' | 'log'>

/**
 * What one pod was granted of its node, and the way to what its spec asks for. What must be known after a restart is in the pod's status:
 * `allocatedResources` is what was granted.
 */
export class PodResize {
  readonly #tools: Tools
  #granted: Map<string, ResourceRequirements> | undefined
  #refusal: ResizeRefusal | undefined
  #isUnderWay = false
  #error: string | undefined
  #failedGeneration: number | undefined
  #retryAt: number | undefined
  readonly #stopped = new Set<string>()
  /** The last answer, for the same pod object: it is asked for in each step. */
  #view: { of: Pod; granted: ReadonlyMap<string, ResourceRequirements>; pod: Pod } | undefined

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** The container was stopped to be resized: it starts again whatever the pod's policy says. */
  mustRestart(containerId: string | undefined): boolean {
    return containerId !== undefined && this.#stopped.has(containerId)
  }

  /** For the pod's conditions. */
  get state(): ResizeState {
    const progress = this.#error === undefined ? {} : { reason: 'Error', message: this.#error }
    return { ...(this.#refusal ? { pending: this.#refusal } : {}), ...(this.#isUnderWay ? { progress } : {}) }
  }

  get isPending(): boolean {
    return this.#refusal !== undefined
  }

  /** When to look again, in milliseconds since the epoch. */
  retryTimes(): number[] {
    // One that has passed was of a wish that is settled by other means: an end, another wish.
    return this.#retryAt === undefined || this.#retryAt <= this.#tools.clock.now() ? [] : [this.#retryAt]
  }

  /** The pod with what it was granted in place of what it asks for. */
  granted(pod: Pod): Pod {
    this.#granted ??= remembered(pod)
    const granted = this.#granted
    if (this.#view?.of === pod && this.#view.granted === granted) return this.#view.pod
    const isAsGranted = resizable(pod).every((container) => isSame(container.resources, granted.get(container.name)))
    const view = isAsGranted ? pod : { ...pod, spec: { ...pod.spec, ...granting(pod, granted) } }
    this.#view = { of: pod, granted, pod: view }
    return view
  }

  /** Grants what the pod asks for where the node has room, and notes why not. */
  decide(pod: Pod): void {
    const { admission, events, clock } = this.#tools
    if (this.granted(pod) === pod) {
      if (this.#refusal) admission.forgo(pod.metadata.uid ?? '')
      this.#refusal = undefined
      return
    }
    const refusal = admission.resize(pod)
    if (!refusal) {
      this.#granted = amounts(pod)
      this.#refusal = undefined
      this.#error = undefined
      this.#retryAt = undefined
      this.#isUnderWay = true
      events.record(pod, 'Normal', 'ResizeStarted', `Pod resize started: ${described(pod)}`)
      return
    }
    if (this.#refusal?.reason !== refusal.reason || this.#refusal.message !== refusal.message)
      events.record(pod, 'Warning', `Resize${refusal.reason}`, `Pod resize ${refusal.reason}: ${described(pod, refusal.message)}`)
    this.#refusal = refusal
    if (refusal.reason === 'Deferred') this.#retryAt = clock.now() + RETRY_MILLISECONDS.deferred
  }

  /** @param isQuiet nothing of the pod is about to be stopped or started */
  note(pod: Pod, { update, stop }: ResizeSteps, isQuiet: boolean): void {
    for (const { status } of stop) this.#stopped.add(status.id)
    if (update.length > 0 || stop.length > 0) this.#isUnderWay = true
    else if (this.#isUnderWay && isQuiet) {
      this.#isUnderWay = false
      this.#error = undefined
      this.#stopped.clear()
      this.#tools.events.record(pod, 'Normal', 'ResizeCompleted', `Pod resize completed: ${described(pod)}`)
    }
  }

  /** Changes running containers. False when there was nothing to do now; true when it is worth looking again. */
  async carryOut(pod: Pod, { update }: ResizeSteps, sandbox: SandboxStatus | undefined, signal: AbortSignal): Promise<boolean> {
    const { runtime, clock, events, log } = this.#tools
    if (!this.#isUnderWay || update.length === 0 || (this.#error !== undefined && (this.#retryAt ?? 0) > clock.now())) return false
    try {
      await this.#refuseBelowUse(update, signal)
      if (sandbox) {
        await runtime.weighSandbox?.(sandbox.id, podCpuShares(pod), signal).catch((error: unknown) => {
          log.warn('a pod could not be given its new share of the processors', { pod: pod.metadata.name, error: String(error) })
        })
      }
      for (const { status, wanted } of update) await runtime.updateContainer(status.id, wanted, signal)
      this.#error = undefined
      this.#retryAt = undefined
    } catch (error) {
      signal.throwIfAborted()
      this.#error = error instanceof Error ? error.message : String(error)
      this.#retryAt = clock.now() + RETRY_MILLISECONDS.failed
      // Once a wish: how much is used differs with each look.
      if (this.#failedGeneration !== pod.metadata.generation)
        events.record(pod, 'Warning', 'ResizeError', `Pod resize error: ${described(pod, this.#error)}`)
      this.#failedGeneration = pod.metadata.generation
    }
    return true
  }

  /** The kernel would kill a container at once that uses more than it may. @throws Error naming each of them */
  async #refuseBelowUse(updates: readonly ResizeUpdate[], signal: AbortSignal): Promise<void> {
    const problems: string[] = []
    for (const { status, wanted } of updates) {
      const limit = wanted.memoryLimitBytes
      if (limit === undefined || limit >= (status.resources?.memoryLimitBytes ?? Number.POSITIVE_INFINITY)) continue
      const used = (await this.#tools.runtime.stats(status.id, signal))?.memoryBytes ?? 0
      if (used > limit)
        problems.push(`attempting to set container ${JSON.stringify(status.name)} memory limit (${limit}) below current usage (${used})`)
    }
    if (problems.length === 0) return
    throw new Error(`cannot decrease memory limits: ${problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`}`)
  }
}

function amounts(pod: Pod): Map<string, ResourceRequirements> {
  return new Map(resizable(pod).map(({ name, resources }) => [name, resources]))
}

/** What the status says was granted, else what the spec asks for: a pod that nobody has looked after yet was granted nothing less. */
function remembered(pod: Pod): Map<string, ResourceRequirements> {
  const statuses = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])]
  return new Map(
    resizable(pod).map(({ name, resources }) => {
      const status = statuses.find((one) => one.name === name)
      const requests = status?.allocatedResources
      if (!requests || isSameList(requests, resources?.requests)) return [name, resources]
      return [name, { ...resources, requests, ...(status.resources?.limits ? { limits: status.resources.limits } : {}) }]
    }),
  )
}

function granting({ spec }: Pod, granted: ReadonlyMap<string, ResourceRequirements>): Pick<Pod['spec'], 'containers' | 'initContainers'> {
  const grant = (container: Container): Container => ({ ...container, resources: granted.get(container.name) ?? container.resources })
  return { containers: spec.containers.map(grant), ...(spec.initContainers ? { initContainers: spec.initContainers.map(grant) } : {}) }
}

function isSame(left: ResourceRequirements | undefined, right: ResourceRequirements | undefined): boolean {
  return left === right || (isSameList(left?.requests, right?.requests) && isSameList(left?.limits, right?.limits))
}

function isSameList(left: Record<string, string> | undefined, right: Record<string, string> | undefined): boolean {
  const [a, b] = [amountsOf(left), amountsOf(right)]
  return a.size === b.size && [...a].every(([name, amount]) => b.get(name) === amount)
}

/** The wish as events tell it. */
function described(pod: Pod, error?: string): string {
  const containers = pod.spec.containers.map(({ name, resources }) => ({ name, resources }))
  return JSON.stringify({ containers, generation: pod.metadata.generation, ...(error === undefined ? {} : { error }) })
}
