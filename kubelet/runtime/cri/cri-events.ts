import { isUnimplemented } from '../../../shared/grpc/grpc-client.ts'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import { pause } from '../../../shared/time/pause.ts'
import type { ContainerRuntime, RuntimeEvent } from '../container-runtime.ts'
import { label } from '../owner-labels.ts'
import type { CriClient } from './cri-client.ts'
import type { CriInspect } from './cri-inspect.ts'
import type { CriContainerState, PodSandboxStatus } from './cri-messages.ts'

/** Milliseconds between two looks at the lists: soon after a change, doubling to `quiet`, or to `told` where the runtime tells of changes itself. */
const LOOK = { soon: 100, quiet: 1_000, told: 10_000 }

interface SeenOne {
  readonly state: CriContainerState | PodSandboxStatus['state']
  readonly sandboxId: string
  readonly podUid: string | undefined
}

/** Sandboxes and containers as the lists show them, by id. */
export type Seen = ReadonlyMap<string, SeenOne>

export interface CriEventParts {
  cri: CriClient
  node: string
  inspect: CriInspect
  clock: Clock
  log: Logger
}

/**
 * Events by comparing lists, as upstream's kubelet has it: nothing is missed for good, whatever the runtime does. Runtimes that tell of
 * changes are listened to, but only to look at once. A look is two calls.
 */
export function criEvents(parts: CriEventParts): { events: ContainerRuntime['events']; changed(): void } {
  const { cri, node, inspect, clock, log } = parts
  const wakers = new Set<() => void>()
  const wakeAll = () => {
    for (const wake of wakers) wake()
  }

  async function look(signal: AbortSignal): Promise<Seen> {
    const filter = { labelSelector: { [label.node]: node } }
    const [{ items }, { containers }] = await Promise.all([
      cri.call('ListPodSandbox', { filter }, { signal }),
      cri.call('ListContainers', { filter }, { signal }),
    ])
    const seen = new Map<string, SeenOne>()
    for (const { id, state, labels } of items) seen.set(id, { state, sandboxId: id, podUid: labels[label.podUid] })
    for (const { id, state, podSandboxId, labels } of containers)
      seen.set(id, { state, sandboxId: podSandboxId, podUid: labels[label.podUid] })
    return seen
  }

  async function run(listener: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    let seen: Seen | undefined
    let wait = LOOK.soon
    let isTold = false
    const pace = pacemaker(clock, signal)
    wakers.add(pace.wake)
    void listen(
      pace.wake,
      (told) => {
        isTold = told
      },
      signal,
    )
    while (!signal.aborted) {
      try {
        const now = await look(signal)
        // The first time and after a loss: things may have changed that nobody compared.
        const events = seen ? differences(seen, now) : [RECONNECTED]
        seen = now
        for (const event of events) {
          inspect.forget(event.containerId ?? event.sandboxId ?? '')
          listener(event)
        }
        wait = events.length > 0 ? LOOK.soon : Math.min(wait * 2, isTold ? LOOK.told : LOOK.quiet)
      } catch (error) {
        if (signal.aborted) break
        if (seen) log.warn('lost the container runtime; trying to reach it again', { error: String(error) })
        seen = undefined
        wait = LOOK.quiet
      }
      if (await pace.rest(wait)) wait = LOOK.soon
    }
    wakers.delete(pace.wake)
  }

  /** The runtime's own events, as long as it has any. */
  async function listen(wake: () => void, told: (isTold: boolean) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        told(true)
        await cri.stream('GetContainerEvents', { listener: wake, signal })
      } catch (error) {
        if (isUnimplemented(error)) return
        log.debug('the container runtime ended its events', { error: String(error) })
      } finally {
        told(false)
      }
      await pause(clock, LOOK.quiet, signal)
    }
  }

  return { events: (listener, signal) => void run(listener, signal), changed: wakeAll }
}

const RECONNECTED: RuntimeEvent = { sandboxId: undefined, containerId: undefined, podUid: undefined, what: 'reconnected' }

/** What happened between two looks. One that came and ended in between did both. */
export function differences(before: Seen, now: Seen): RuntimeEvent[] {
  const events: RuntimeEvent[] = []
  for (const [id, { state, sandboxId, podUid }] of now) {
    const former = before.get(id)?.state
    if (former === state) continue
    const about = { sandboxId, containerId: id === sandboxId ? undefined : id, podUid }
    const isUp = state === 'CONTAINER_RUNNING' || state === 'SANDBOX_READY'
    const wasUp = former === 'CONTAINER_RUNNING' || former === 'SANDBOX_READY'
    const isDown = state === 'CONTAINER_EXITED' || state === 'CONTAINER_UNKNOWN' || state === 'SANDBOX_NOTREADY'
    if (isUp || (isDown && !wasUp)) events.push({ ...about, what: 'started' })
    if (isDown) events.push({ ...about, what: 'died' })
  }
  for (const [id, { sandboxId, podUid }] of before) {
    if (!now.has(id)) events.push({ sandboxId, containerId: id === sandboxId ? undefined : id, podUid, what: 'removed' })
  }
  return events
}

/** Waits that can be cut short. A wake during no wait cuts the next one. */
function pacemaker(clock: Clock, signal: AbortSignal) {
  let isWoken = false
  let cut = new AbortController()
  return {
    wake() {
      isWoken = true
      cut.abort()
    },
    /** True when it was cut short. */
    async rest(milliseconds: number): Promise<boolean> {
      if (!isWoken) await pause(clock, milliseconds, AbortSignal.any([signal, cut.signal]))
      const wasWoken = isWoken
      isWoken = false
      cut = new AbortController()
      return wasWoken
    },
  }
}
