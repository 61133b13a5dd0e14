import type { Client, ObjectOf } from '../client/client.ts'
import { hasReason } from '../errors/status-error.ts'
import type { Logger } from '../logging/logger.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import { microTimestamp } from '../time/timestamp.ts'
import { type Leadership, LeadershipLost } from './leadership.ts'

/** One Lease that all copies of a service compete for; the times are upstream's defaults. */
export interface LeaderElectionOptions {
  namespace?: string
  /** The Lease's name, e.g. `kube-controller-manager`. */
  name: string
  /** Unique to this process, e.g. `<host>_<uuid>`. */
  identity: string
  /** How long others wait after our last renewal before they take over. */
  leaseMilliseconds?: number
  /** How long we try to renew before we give the leadership up; less than the lease, so that there are never two leaders. */
  renewMilliseconds?: number
  retryMilliseconds?: number
}

interface ElectionTools {
  /** Writes the Lease, so the fence is not in its way. */
  client: Client
  /** The fence before everything else that is written. */
  leadership: Leadership
  clock: Clock
  random: Random
  log: Logger
}

/**
 * Waits until this process leads, runs `lead` with a signal that aborts when it no longer does, and gives the Lease up when `lead` has
 * ended. Others' clocks are not trusted: a Lease counts as abandoned when we have not seen it change for its duration.
 * @throws LeadershipLost
 */
export async function runAsLeader(
  options: LeaderElectionOptions,
  tools: ElectionTools,
  signal: AbortSignal,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { clock, random, log, leadership } = tools
  const { renewMilliseconds = 10_000, retryMilliseconds = 2_000 } = options
  const lease = new LeaseClaim(options, tools)
  leadership.contest()
  let renewed = leadership.mark()
  for (; !(await lease.tryClaim(signal, renewMilliseconds)); renewed = leadership.mark()) {
    await clock.sleep(retryMilliseconds * (1 + random.fraction() / 5), signal).catch(() => {}) // an abort is seen below
    if (signal.aborted) return
  }
  leadership.renewed(renewed, renewMilliseconds)
  log.info('leading', { lease: options.name, identity: options.identity })
  const ending = new AbortController()
  let lost: LeadershipLost | undefined
  const renewing = (async () => {
    while (!ending.signal.aborted) {
      await clock.sleep(retryMilliseconds, ending.signal).catch(() => {}) // ending: leave the loop
      if (ending.signal.aborted) return
      const asked = leadership.mark()
      if (await lease.tryClaim(ending.signal, renewed.monotonic + renewMilliseconds - asked.monotonic)) {
        renewed = asked
        leadership.renewed(asked, renewMilliseconds)
      } else if (lease.heldByOther || clock.monotonic() - renewed.monotonic >= renewMilliseconds) {
        leadership.end()
        lost = new LeadershipLost(lease.heldByOther ? 'another process took the lease' : 'the lease could not be renewed in time')
        ending.abort(lost)
      }
    }
  })()
  try {
    await lead(AbortSignal.any([signal, ending.signal]))
  } finally {
    ending.abort(new Error('leading has ended'))
    await renewing
    leadership.end()
    if (!lost) await lease.release()
  }
  if (lost) throw lost
}

/** Our view of the Lease, and our hand on it. */
class LeaseClaim {
  readonly #options: Required<Pick<LeaderElectionOptions, 'namespace' | 'name' | 'identity' | 'leaseMilliseconds'>>
  readonly #tools: ElectionTools
  #observed: { record: string; at: number } | undefined
  #current: ObjectOf<'coordination.k8s.io/v1', 'Lease'> | undefined

  constructor(options: LeaderElectionOptions, tools: ElectionTools) {
    this.#options = { namespace: 'kube-system', leaseMilliseconds: 15_000, ...options }
    this.#tools = tools
  }

  get heldByOther(): boolean {
    const holder = this.#current?.spec.holderIdentity
    return !!holder && holder !== this.#options.identity
  }

  /** Takes or renews the Lease; false when another holds it or the server does not answer within the time. Never throws. */
  async tryClaim(signal: AbortSignal, withinMilliseconds: number): Promise<boolean> {
    const { clock, log } = this.#tools
    const tooLate = new AbortController()
    const timer = clock.after(withinMilliseconds, () => tooLate.abort(new Error('no answer in time')))
    try {
      return await this.#claim(AbortSignal.any([signal, tooLate.signal]), clock)
    } catch (error) {
      if (hasReason(error, 'Conflict') || hasReason(error, 'AlreadyExists')) return false // somebody was faster: look again soon
      if (!signal.aborted) log.warn('the leader lease could not be reached', { lease: this.#options.name, error })
      return false
    } finally {
      timer.cancel()
    }
  }

  async #claim(signal: AbortSignal, clock: Clock): Promise<boolean> {
    const { client } = this.#tools
    const { namespace, name, identity, leaseMilliseconds } = this.#options
    const now = microTimestamp(clock.now())
    const spec = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseMilliseconds / 1000), renewTime: now }
    const lease = await this.#read(signal)
    if (!lease) {
      const created = { metadata: { namespace, name }, spec: { ...spec, acquireTime: now, leaseTransitions: 0 } }
      this.#current = await client.create('coordination.k8s.io/v1', 'Lease', created, { signal })
      return true
    }
    this.#current = lease
    this.#observe(lease)
    const ours = lease.spec.holderIdentity === identity
    if (!ours && lease.spec.holderIdentity && !this.#abandoned(lease)) return false
    const taken = ours
      ? { ...lease.spec, ...spec }
      : { ...lease.spec, ...spec, acquireTime: now, leaseTransitions: (lease.spec.leaseTransitions ?? 0) + 1 }
    this.#current = await client.update('coordination.k8s.io/v1', 'Lease', { ...lease, spec: taken }, { signal })
    return true
  }

  async #read(signal: AbortSignal) {
    const { namespace, name } = this.#options
    try {
      return await this.#tools.client.get('coordination.k8s.io/v1', 'Lease', { namespace, name }, { signal })
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined
      throw error
    }
  }

  #observe(lease: ObjectOf<'coordination.k8s.io/v1', 'Lease'>): void {
    const record = `${lease.spec.holderIdentity} ${lease.spec.renewTime} ${lease.metadata.resourceVersion}`
    if (this.#observed?.record !== record) this.#observed = { record, at: this.#tools.clock.monotonic() }
  }

  #abandoned(lease: ObjectOf<'coordination.k8s.io/v1', 'Lease'>): boolean {
    const duration = (lease.spec.leaseDurationSeconds ?? this.#options.leaseMilliseconds / 1000) * 1000
    return this.#observed !== undefined && this.#tools.clock.monotonic() - this.#observed.at >= duration
  }

  /** Lets the next one in at once: an empty holder, a duration of one second, as upstream releases. */
  async release(): Promise<void> {
    const { client, clock, log } = this.#tools
    if (!this.#current || this.heldByOther) return
    const spec = { ...this.#current.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTimestamp(clock.now()) }
    try {
      await client.update('coordination.k8s.io/v1', 'Lease', { ...this.#current, spec })
    } catch (error) {
      log.info('the leader lease could not be released; it runs out by itself', { error })
    }
  }
}
