import type { Client } from '../../shared/client/client.ts'
import { createBackoff } from '../../shared/controller/backoff.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { NodeStatus } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { differs, type NodeReport, nodeReport, type Observation, reportPatch } from './node-report.ts'
import { withoutRefusedAddresses } from './refused-addresses.ts'

/** Looked at this often; written when it changed. */
const LOOK_EVERY = 10_000
/** An address that is still another's is asked for again after this, then after twice as long each time: after a restart hosts often have each other's. */
const ASK_AGAIN_FIRST = 1_000
/** Written at least this often, so that heartbeat times stay believable. */
const REPORT_EVERY = 5 * 60_000

export interface NodeStatusOptions {
  nodeName: string
  client: Client
  clock: Clock
  log: Logger
  /** Looks at machine and runtime. Must not throw for a runtime that is down: that is one of its findings. */
  observe(signal: AbortSignal): Promise<Observation>
  /** The status as the API server has it, if known; saves a read. */
  current(): NodeStatus | undefined
  /** Told after a report was written. */
  reported?(report: NodeReport, before: NodeStatus): void
  lookEvery?: number | undefined
  reportEvery?: number | undefined
}

export interface NodeStatusLoop {
  /** Reports until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  /** Something may have changed: look now instead of at the next turn. */
  lookNow(): void
}

/** Keeps the Node's status true. Failures are logged and tried again at the next turn. */
export function nodeStatusLoop(options: NodeStatusOptions): NodeStatusLoop {
  const { client, clock, log, nodeName } = options
  const lookEvery = options.lookEvery ?? LOOK_EVERY
  let written = Number.NEGATIVE_INFINITY
  const askAgain = createBackoff({ firstMilliseconds: ASK_AGAIN_FIRST, longestMilliseconds: lookEvery })
  let untilNext = lookEvery
  let wake = Promise.withResolvers<void>()
  let awaited = false

  const write = (report: NodeReport, before: NodeStatus, signal: AbortSignal) =>
    client.patch(
      'v1',
      'Node',
      { name: nodeName },
      { type: 'strategic', subresource: 'status', body: reportPatch(report, before) },
      { signal },
    )

  const turn = async (signal: AbortSignal) => {
    const observed = await options.observe(signal)
    const before = options.current() ?? (await client.get('v1', 'Node', { name: nodeName }, { signal })).status
    const report = nodeReport(observed, before, clock.now())
    const due = clock.monotonic() - written >= (options.reportEvery ?? REPORT_EVERY)
    if (!due && !differs(report, before)) return
    let isRefused = false
    await write(report, before, signal).catch((error) => {
      const rest = withoutRefusedAddresses(report, error)
      if (!rest) throw error
      isRefused = true
      log.warn('the node has an address that it may not have; its status is reported without it', { node: nodeName, error })
      return write(rest, before, signal)
    })
    if (isRefused) untilNext = askAgain.next(nodeName)
    else askAgain.forget(nodeName)
    written = clock.monotonic()
    options.reported?.(report, before)
  }

  return {
    lookNow: () => {
      awaited = true
      wake.resolve()
    },
    async run(signal) {
      while (!signal.aborted) {
        awaited = false
        untilNext = lookEvery
        wake = Promise.withResolvers()
        try {
          await turn(signal)
        } catch (error) {
          if (signal.aborted) return
          if (hasReason(error, 'NotFound')) {
            log.warn('the Node was deleted; it is registered again when the kubelet starts the next time', { node: nodeName })
          } else log.warn('the node status was not reported', { node: nodeName, error })
        }
        if (awaited) continue
        const timer = clock.after(untilNext, () => wake.resolve())
        const onAbort = () => wake.resolve()
        signal.addEventListener('abort', onAbort, { once: true })
        await wake.promise
        signal.removeEventListener('abort', onAbort)
        timer.cancel()
      }
    },
  }
}
