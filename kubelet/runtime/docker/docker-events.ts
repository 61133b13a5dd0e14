import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import { pause } from '../../../shared/time/pause.ts'
import type { ContainerRuntime, RuntimeEvent } from '../container-runtime.ts'
import { label } from '../owner-labels.ts'
import type { DockerClient } from './docker-client.ts'
import type { DockerInspect } from './docker-inspect.ts'
import { jsonLines } from './docker-streams.ts'

/** Milliseconds between two tries to reach an engine that has gone; doubles up to `most`. */
const RECONNECT = { first: 100, most: 5000 }

const WHAT: Record<string, RuntimeEvent['what']> = { start: 'started', die: 'died', oom: 'oom', destroy: 'removed' }

interface EventParts {
  docker: DockerClient
  node: string
  inspect: DockerInspect
  clock: Clock
  log: Logger
}

/** The engine's event stream, reconnected for ever; the listener is told when events may have been missed. */
export function dockerEvents(parts: EventParts): ContainerRuntime['events'] {
  const { docker, node, inspect, clock, log } = parts
  const filters = JSON.stringify({ type: ['container'], event: Object.keys(WHAT), label: [`${label.node}=${node}`] })

  async function run(listener: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    let wait = RECONNECT.first
    while (!signal.aborted) {
      try {
        const stream = await docker.stream('GET', '/events', { query: { filters }, signal })
        wait = RECONNECT.first
        // Also the first time: things may have changed between the caller's first reading and now.
        listener({ sandboxId: undefined, containerId: undefined, podUid: undefined, what: 'reconnected' })
        for await (const line of jsonLines(stream, signal)) {
          const event = eventOf(line)
          if (!event) continue
          inspect.forget(event.containerId ?? event.sandboxId ?? '')
          listener(event)
        }
        log.warn('the container engine ended its event stream')
      } catch (error) {
        if (signal.aborted) return
        log.warn('lost the container engine; trying to reach it again', { error: String(error), waitMilliseconds: wait })
      }
      await pause(clock, wait, signal)
      wait = Math.min(wait * 2, RECONNECT.most)
    }
  }

  return (listener, signal) => void run(listener, signal)
}

/** One line of the stream, or undefined for what does not concern pods. */
export function eventOf(line: unknown): RuntimeEvent | undefined {
  const { Action, Actor } = line as { Action?: string; Actor?: { ID?: string; Attributes?: Record<string, string> } }
  const what = WHAT[Action ?? '']
  const attributes = Actor?.Attributes
  if (!what || !attributes || !Actor.ID) return undefined
  const isSandbox = attributes[label.role] === 'sandbox'
  return {
    sandboxId: isSandbox ? Actor.ID : attributes[label.sandbox],
    containerId: isSandbox ? undefined : Actor.ID,
    podUid: attributes[label.podUid],
    what,
  }
}
