import type { Informer } from '../../../shared/informer/informer.ts'
import { objectKey } from '../../../shared/objects/object.ts'
import type { LoadBalancerStatus, Service } from '../../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import { CannotBalance, type LoadBalancers } from '../../provider.ts'
import { chooseAddress, type Holding } from './address-choice.ts'
import type { AddressPool } from './address-pool.ts'

/** Whose an address is may change: a node goes, a Service that was faster goes. */
const BARRED_MILLISECONDS = 10 * 60_000

/**
 * An address of the pool for each Service, and nothing else: nodes do the work (`announcement.ts`, kube-proxy). What is given is written in
 * the Services' status and nowhere else.
 */
export class LabLoadBalancers implements LoadBalancers {
  readonly #services: Informer<Service>
  readonly #pool: AddressPool
  /** Given a moment ago, by Service: the cache may not show it yet. The uid tells a Service from an earlier one of its name. */
  readonly #given = new Map<string, { uid: string | undefined; address: string }>()

  /** Addresses that the API server let no Service have (they are the cluster's own, or a node's), and until when they are left alone. */
  readonly #barred = new Map<string, number>()
  readonly #clock: Clock

  constructor(services: Informer<Service>, pool: AddressPool, clock: Clock) {
    this.#services = services
    this.#pool = pool
    this.#clock = clock
  }

  async find({ status }: Service): Promise<LoadBalancerStatus | undefined> {
    const ingress = status.loadBalancer.ingress?.filter(({ ip }) => ip !== undefined && this.#pool.holds(ip)) ?? []
    return ingress.length > 0 ? { ingress } : undefined
  }

  /** Chosen and noted in one step, so that Services that are looked after at the same time never get one address. */
  async ensure(service: Service): Promise<LoadBalancerStatus> {
    const now = this.#clock.monotonic()
    for (const [address, until] of this.#barred) if (until <= now) this.#barred.delete(address)
    const choice = chooseAddress(service, this.#holdings(service), this.#pool, this.#barred)
    const key = objectKey(service)
    if ('problem' in choice) {
      this.#given.delete(key)
      throw new CannotBalance(choice.problem)
    }
    this.#given.set(key, { uid: service.metadata.uid, address: choice.address })
    return { ingress: [{ ip: choice.address, ipMode: 'VIP' }] }
  }

  refused(service: Service, { ingress = [] }: LoadBalancerStatus): void {
    this.#given.delete(objectKey(service))
    const until = this.#clock.monotonic() + BARRED_MILLISECONDS
    for (const { ip } of ingress) if (ip) this.#barred.set(ip, until)
  }

  async delete(service: Service): Promise<void> {
    this.#given.delete(objectKey(service))
  }

  #holdings(asking: Service): Holding[] {
    const holdings = this.#services.cache.list().map((service) => ({ service, addresses: this.#addressesOf(service) }))
    const key = objectKey(asking)
    return holdings.some(({ service }) => objectKey(service) === key)
      ? holdings
      : [...holdings, { service: asking, addresses: this.#addressesOf(asking) }]
  }

  #addressesOf(service: Service): string[] {
    const given = this.#given.get(objectKey(service))
    const shown = (service.status.loadBalancer.ingress ?? []).flatMap(({ ip }) => ip ?? [])
    const noted = given && given.uid === service.metadata.uid ? [given.address] : []
    return [...new Set([...shown, ...noted, ...(service.spec.externalIPs ?? [])])]
  }
}
