import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { runHook } from '../containers/lifecycle-hook.ts'
import type { ContainerRuntime, ContainerStatus } from '../runtime/container-runtime.ts'
import { findContainer } from './pod-containers.ts'
import { sidecarsInStopOrder } from './pod-plan.ts'

export interface StopRequest {
  pod: Pod
  container: ContainerStatus
  graceSeconds: number
  /** The Killing event. */
  message: string
  podIP: string | undefined
}

export interface TerminationTools {
  runtime: Pick<ContainerRuntime, 'stopContainer' | 'exec'>
  events: EventRecorder
  clock: Clock
  log: Logger
}

/** However little is left of the grace period after the preStop hook, the process gets this long (upstream's minimum). */
const LEAST_GRACE_SECONDS = 2

/** Ends containers with their hooks, within their grace period. */
export class Termination {
  readonly #tools: TerminationTools
  /** Hooks already begun: a shortened grace period must not run them again. */
  readonly #hooked = new Set<string>()

  constructor(tools: TerminationTools) {
    this.#tools = tools
  }

  /** Resolves when the container is down; an abort leaves it as it is. */
  async stop({ pod, container, graceSeconds, message, podIP }: StopRequest, signal: AbortSignal): Promise<void> {
    const { runtime, events, clock } = this.#tools
    const begun = clock.monotonic()
    events.record(pod, 'Normal', 'Killing', message)
    if (graceSeconds > 0) await this.#preStop(pod, container, graceSeconds, podIP, signal)
    const left = graceSeconds - (clock.monotonic() - begun) / 1000
    await runtime.stopContainer(container.id, Math.max(LEAST_GRACE_SECONDS, left), signal)
    this.#hooked.delete(container.id)
  }

  /** Stops everything given: the app at once, then the sidecars, last started first; all of it within one grace period. */
  async stopAll(requests: readonly StopRequest[], signal: AbortSignal): Promise<void> {
    const [first] = requests
    if (!first) return
    const { clock } = this.#tools
    const order = sidecarsInStopOrder(first.pod)
    const begun = clock.monotonic()
    const app = requests.filter(({ container }) => !order.includes(container.name))
    await settleAll(app.map((request) => this.stop(request, signal)))
    for (const name of order) {
      const request = requests.find(({ container }) => container.name === name)
      const elapsed = (clock.monotonic() - begun) / 1000
      if (request) await this.stop({ ...request, graceSeconds: Math.max(0, request.graceSeconds - elapsed) }, signal)
    }
  }

  async #preStop(pod: Pod, status: ContainerStatus, graceSeconds: number, podIP: string | undefined, signal: AbortSignal): Promise<void> {
    const { runtime, events, clock, log } = this.#tools
    const container = findContainer(pod, status.name)?.container
    const handler = container?.lifecycle?.preStop
    if (!container || !handler || this.#hooked.has(status.id)) return
    this.#hooked.add(status.id)
    const patience = new AbortController()
    const timer = clock.after(graceSeconds * 1000, () => patience.abort(new Error('the grace period is over')))
    try {
      const subject = { container, containerId: status.id, podIP }
      const problem = await runHook(handler, subject, runtime, clock, AbortSignal.any([signal, patience.signal]))
      if (problem !== undefined) events.record(pod, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${problem}`)
    } catch (error) {
      signal.throwIfAborted()
      if (!patience.signal.aborted) throw error
      log.info('a preStop hook used up the grace period', { pod: pod.metadata.name, container: status.name })
    } finally {
      timer.cancel()
    }
  }
}

/** Waits for all, then reports the first failure: one container that will not stop must not save the others. */
async function settleAll(work: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
