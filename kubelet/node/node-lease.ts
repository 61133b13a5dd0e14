import type { Client } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Lease } from '../../shared/openapi/generated/coordination-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { microTimestamp } from '../../shared/time/timestamp.ts'

const NAMESPACE = 'kube-node-lease'
/** How long others believe in the node after its last renewal. */
const DURATION_SECONDS = 40
const RENEW_EVERY = 10_000
const RETRY = { first: 200, most: 7_000 }
/** A renewal that takes longer goes over a connection that is dead: another try needs another one (upstream's heartbeat has the same bound). */
const PATIENCE = 10_000

export interface LeaseOptions {
  nodeName: string
  client: Client
  clock: Clock
  log: Logger
  /** Milliseconds between renewals; default 10 s. */
  renewEvery?: number | undefined
  durationSeconds?: number | undefined
}

/**
 * Renews the node's Lease until the signal aborts: the heartbeat that is cheap enough to be frequent. A failure is tried again
 * sooner, so that one lost request does not cost the node its good name.
 */
export async function keepNodeLease(options: LeaseOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, nodeName } = options
  let held: Lease | undefined
  let retry = RETRY.first
  while (!signal.aborted) {
    let wait = options.renewEvery ?? RENEW_EVERY
    const late = new AbortController()
    const timer = clock.after(PATIENCE, () => late.abort(new Error(`no answer within ${PATIENCE / 1000} s`)))
    const until = AbortSignal.any([signal, late.signal])
    try {
      held = held ? await renew(held, options, until) : await acquire(options, until)
      retry = RETRY.first
    } catch (error) {
      if (signal.aborted) return
      // Whatever was held may have been changed, deleted or come from another store: read again.
      held = undefined
      wait = Math.min(retry, wait)
      retry = Math.min(retry * 2, RETRY.most)
      log.warn('the node lease was not renewed', { node: nodeName, error, retryMilliseconds: wait })
    } finally {
      timer.cancel()
    }
    await clock.sleep(wait, signal).catch(() => {})
  }
}

async function acquire(options: LeaseOptions, signal: AbortSignal): Promise<Lease> {
  const { client, clock, nodeName } = options
  const name = { namespace: NAMESPACE, name: nodeName }
  try {
    return await renew(await client.get('coordination.k8s.io/v1', 'Lease', name, { signal }), options, signal)
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error
  }
  // The Node owns it, so that it goes when the Node goes.
  const node = await client.get('v1', 'Node', { name: nodeName }, { signal })
  const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid ?? '' }
  return client.create(
    'coordination.k8s.io/v1',
    'Lease',
    {
      metadata: { ...name, ownerReferences: [owner] },
      spec: {
        holderIdentity: nodeName,
        leaseDurationSeconds: options.durationSeconds ?? DURATION_SECONDS,
        renewTime: microTimestamp(clock.now()),
      },
    },
    { signal, namespace: NAMESPACE },
  )
}

function renew(lease: Lease, { client, clock, nodeName, durationSeconds }: LeaseOptions, signal: AbortSignal): Promise<Lease> {
  const spec = {
    ...lease.spec,
    holderIdentity: nodeName,
    leaseDurationSeconds: durationSeconds ?? DURATION_SECONDS,
    renewTime: microTimestamp(clock.now()),
  }
  return client.update('coordination.k8s.io/v1', 'Lease', { ...lease, spec }, { signal })
}
