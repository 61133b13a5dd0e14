import type { Informer, Informers } from '../../shared/informer/informer.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Lease } from '../../shared/openapi/generated/coordination-v1.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import { Bell } from '../../shared/time/bell.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import type { RunCommand } from '../command.ts'
import type { KubeProxyConfig } from '../config.ts'
import { AddressHolder } from './address-holder.ts'
import { announcedAddresses } from './announced-addresses.ts'

/** After a failure everything is looked at anew. */
const RETRY_MILLISECONDS = 1_000
/** How long the node may be unheard before it looks whether somebody else has taken its addresses over, and how often it then looks. */
const SILENCE_MILLISECONDS = 15_000
const PROBE_MILLISECONDS = 5_000

export interface AnnouncementParts {
  services: Informer<Service>
  /** The Lease of this node alone. */
  lease: Informer<Lease>
  holder: Pick<AddressHolder, 'begin' | 'hold' | 'held' | 'tell' | 'isElsewhere' | 'end'>
  nodeName: string
  clock: Clock
  log: Logger
}

/**
 * Answers for the addresses that the API says are this node's to announce. A node that is not heard any more goes on with what it has (an API
 * server that is away must not take load balancers with it), until it sees another answer for one of them: then it was taken over.
 */
export class Announcements {
  readonly #parts: AnnouncementParts
  /** Given up because another answers, until this node is heard again. */
  #yielded = new Set<string>()
  #heardAt: number
  #isDirty = true
  readonly #bell = new Bell()
  #failure: string | undefined

  constructor(parts: AnnouncementParts) {
    this.#parts = parts
    this.#heardAt = parts.clock.monotonic()
    parts.services.onChange((_key, current, previous) => {
      if ([current, previous].some((service) => service?.spec.type === 'LoadBalancer')) this.#mark()
    })
    parts.lease.onChange((_key, current, previous) => {
      if (!current || current.spec.renewTime === previous?.spec.renewTime) return
      this.#heardAt = parts.clock.monotonic()
      if (this.#yielded.size === 0) return
      this.#yielded = new Set()
      this.#mark()
    })
  }

  /** Why addresses are not announced, if that is so. */
  get problem(): string | undefined {
    return this.#failure
  }

  /** Announces until the signal aborts, and leaves nothing behind then. */
  async run(signal: AbortSignal): Promise<void> {
    const { holder, clock, log } = this.#parts
    let begun = false
    while (!signal.aborted) {
      try {
        if (!begun) {
          const hindrance = await holder.begin()
          if (hindrance !== undefined) log.warn('addresses of load balancers may not be reached through this node', { why: hindrance })
          begun = true
        }
        this.#isDirty = false
        await this.#apply()
        this.#failure = undefined
        await this.#changed(signal)
        if (!signal.aborted) await this.#probe()
      } catch (error) {
        this.#failure = 'addresses of load balancers are not announced'
        log.error('addresses could not be announced; tried again', { error })
        await pause(clock, RETRY_MILLISECONDS, signal)
      }
    }
    await holder.end().catch((error: unknown) => log.warn('announced addresses could not be removed', { error }))
  }

  async #apply(): Promise<void> {
    const { services, holder, nodeName, log } = this.#parts
    const wanted = announcedAddresses(services.cache.list(), nodeName)
    for (const address of this.#yielded) wanted.delete(address)
    const before = holder.held
    // The machine is not asked for what it has where it never had one.
    if (wanted.size === 0 && before.size === 0) return
    const { added, unreachable } = await holder.hold(wanted)
    if (unreachable.length > 0) log.warn('addresses lie on no link of this machine and are not announced', { addresses: unreachable })
    const dropped = [...before].filter((address) => !holder.held.has(address))
    if (dropped.length > 0) log.info('no longer announced here', { addresses: dropped })
    for (const [address, link] of added) {
      log.info('announced here', { address, link })
      // Beside the work: it takes seconds, and the kernel answers already.
      holder.tell(address, link).catch((error: unknown) => log.warn('neighbours were not told of an address', { address, error }))
    }
  }

  async #probe(): Promise<void> {
    const { holder, log } = this.#parts
    if (!this.#isUnheard()) return
    // One after the other: a probe costs a second at most, and a packet.
    for (const address of holder.held) {
      if (!(await holder.isElsewhere(address))) continue
      log.warn('this node is not heard of any more, and another answers for an address of its: it was taken over', { address })
      this.#yielded = new Set([...this.#yielded, address])
    }
  }

  #mark(): void {
    this.#isDirty = true
    this.#bell.ring()
  }

  #isUnheard(): boolean {
    return this.#parts.clock.monotonic() - this.#heardAt > SILENCE_MILLISECONDS
  }

  /** Until a Service changes, or it is time to look again. */
  async #changed(signal: AbortSignal): Promise<void> {
    // Silence is no event: whoever holds addresses looks again by and by.
    const timer = this.#parts.clock.after(this.#isUnheard() ? PROBE_MILLISECONDS : SILENCE_MILLISECONDS, () => this.#bell.ring())
    await this.#bell.rung(this.#isDirty, signal)
    timer.cancel()
  }
}

/** The nftables table that guards announced addresses, beside the table of Services. */
export const announcementTable = (table: string) => `${table}_announced`

/** The announcements of one node, as its kube-proxy runs them. */
export function announcementsOf(
  { nodeName, table }: Pick<KubeProxyConfig, 'nodeName' | 'table'>,
  { informers, clock, log }: { informers: Informers; clock: Clock; log: Logger },
  command: RunCommand,
): Announcements {
  return new Announcements({
    services: informers.of('v1', 'Service'),
    lease: informers.of('coordination.k8s.io/v1', 'Lease', { namespace: 'kube-node-lease', fieldSelector: `metadata.name=${nodeName}` }),
    holder: new AddressHolder(command, announcementTable(table)),
    ...{ nodeName, clock, log },
  })
}
