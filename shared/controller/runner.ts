import { becauseOf } from '../client/cause.ts'
import { TerminalError } from '../errors/terminal-error.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { parseObjectKey } from '../objects/object.ts'
import { createBackoff } from './backoff.ts'
import type { Controller, ControllerDefinition, ControllerTools } from './define-controller.ts'
import { WakingRevisions } from './waking-revisions.ts'
import { createWorkQueue, type WorkQueue } from './work-queue.ts'

/** A controller with its tools in hand; made before the informers start, so that they know what it reads. */
export interface ControllerRunner {
  readonly name: string
  /** Works from when the caches are filled until the tools' signal aborts; resolves when the last worker has finished. */
  run(): Promise<void>
}

interface RunnerTools extends ControllerTools {
  metrics: Metrics
}

const DEFAULT_WORKERS = 4
/** A reconcile that takes longer than this is mentioned: the queue behind it waits. */
const SLOW_MILLISECONDS = 10_000

/** Asks the definition for its controller and prepares its queue; starts nothing. */
export function createControllerRunner<S>(definition: ControllerDefinition<S>, tools: RunnerTools, settings: S): ControllerRunner {
  const { name } = definition
  const log = tools.log.child({ controller: name })
  const queue = createWorkQueue(tools.clock)
  const causes = new WakingRevisions(queue)
  const controller = definition.create({ ...tools, log }, settings)
  if (definition.reconciles) {
    const [apiVersion, kind] = definition.reconciles
    // That the kind belongs to the version is the definition's promise; which of all kinds it is does not matter here.
    tools.informers.of(apiVersion, kind as never).onChange((key) => causes.add(key))
  }
  controller.watch?.(
    (key) => causes.add(key),
    (key, milliseconds) => {
      causes.note(key)
      queue.addAfter(key, milliseconds)
    },
  )
  tools.metrics.gaugeFrom(`workqueue_depth_${metricName(name)}`, `Keys that wait for the ${name} controller.`, () => queue.length)
  const work = workOn(name, controller, { queue, causes }, { ...tools, log })
  return {
    name,
    async run() {
      try {
        await tools.informers.whenSynced(tools.signal)
      } catch (error) {
        if (tools.signal.aborted) return
        throw error
      }
      const stop = () => queue.shut()
      if (tools.signal.aborted) stop()
      tools.signal.addEventListener('abort', stop, { once: true })
      const workers = Array.from({ length: definition.workers ?? DEFAULT_WORKERS }, work)
      const background = controller.run?.(tools.signal).catch((error: unknown) => {
        if (!tools.signal.aborted) throw error
      })
      await Promise.all([...workers, background])
    },
  }
}

/** One worker: key after key, each with one of the four outcomes: done, later, again, never. */
function workOn(
  name: string,
  controller: Controller,
  { queue, causes }: { queue: WorkQueue; causes: WakingRevisions },
  { clock, log, metrics, signal }: RunnerTools,
): () => Promise<void> {
  const backoff = createBackoff()
  const outcomes = metrics.counter('controller_reconciles_total', 'Reconciliations by controller and outcome.')
  const durations = metrics.histogram('controller_reconcile_seconds', 'Duration of reconciliations.')
  const reconcile = async (key: string): Promise<'done' | 'later' | 'again' | 'never'> => {
    const revision = causes.take(key)
    try {
      const outcome = await becauseOf({ by: name, revision }, () => controller.reconcile(key, parseObjectKey(key)))
      backoff.forget(key)
      if (!outcome) return 'done'
      causes.keep(key, revision)
      queue.addAfter(key, outcome.requeueAfterMilliseconds)
      return 'later'
    } catch (error) {
      if (signal.aborted) return 'never'
      if (error instanceof TerminalError) {
        backoff.forget(key)
        log.warn('given up until the object changes', { key, error })
        return 'never'
      }
      const pause = backoff.next(key)
      // A lost race or two is the normal case under optimistic concurrency.
      log[backoff.failures(key) > 3 ? 'warn' : 'debug']('reconcile failed; trying again', { key, pause, error })
      causes.keep(key, revision)
      queue.addAfter(key, pause)
      return 'again'
    }
  }
  return async () => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      const began = clock.monotonic()
      const outcome = await reconcile(key)
      queue.done(key)
      const took = clock.monotonic() - began
      outcomes.add(1, { controller: name, outcome })
      durations.observe(took / 1000, { controller: name })
      if (took > SLOW_MILLISECONDS) log.warn('a reconcile took long', { key, milliseconds: Math.round(took) })
    }
  }
}

function metricName(name: string): string {
  return name.replaceAll(/[^a-z0-9]/gi, '_')
}
