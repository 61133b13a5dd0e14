import { isAllocators } from '../../shared/addresses/allocated-address.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock, Timer } from '../../shared/time/clock.ts'
import { clusterIPObject, clusterIPsOf, isObjectOf, serviceOf } from '../allocation/cluster-ip-object.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { type EnsureTools, ensureAll, removeUnwanted, required } from './ensure.ts'

/** What is written together may be half written for a moment only; after this it is repaired. */
const PATIENCE_MILLISECONDS = 1_000
/** Where other servers write too, they make the IPAddress first, and may take this long for the Service. */
const ORPHAN_MILLISECONDS = 60_000
const RETRY_MILLISECONDS = 5_000

export interface AddressKeeperParts extends EnsureTools {
  readonly reader: ObjectReader
  readonly clock: Clock
  readonly log: Logger
  /** Whether other servers write to the same store. */
  readonly isShared: boolean
}

/**
 * Sees to it that each cluster IP of a Service has its IPAddress, and that none of the allocator's is left without a Service: for stores of before
 * there were any, for crashes between two commits, and for people who delete one (upstream's ipallocator-repair-controller).
 */
export class AddressKeeper {
  readonly #parts: AddressKeeperParts
  /** Keys of the Services that hold an address. */
  readonly #holders = new Map<string, Set<string>>()
  /** Since when, in monotonic milliseconds. */
  readonly #wrong = new Map<string, number>()
  #ends: (() => void)[] = []
  #timer: Timer | undefined
  #repairing: Promise<void> | undefined

  constructor(parts: AddressKeeperParts) {
    this.#parts = parts
  }

  /** Looks at everything once, and from then on at what changes. */
  start(): void {
    const { reader } = this.#parts
    this.#ends = [
      reader.follow('v1', 'Service', (current, previous) => this.#serviceChanged(current, previous)),
      reader.follow('networking.k8s.io/v1', 'IPAddress', (current, previous) => this.#look((current ?? previous)?.metadata.name ?? '')),
    ]
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0)) end()
    this.#timer?.cancel()
    this.#wrong.clear()
    await this.#repairing
  }

  #serviceChanged(current: Service | undefined, previous: Service | undefined): void {
    const service = current ?? previous
    if (!service) return
    const key = objectKey(service)
    const [after, before] = [clusterIPsOf(current), clusterIPsOf(previous)]
    for (const address of before) {
      if (after.includes(address)) continue
      const holders = this.#holders.get(address)
      holders?.delete(key)
      if (holders?.size === 0) this.#holders.delete(address)
      this.#look(address)
    }
    for (const address of after) {
      this.#holders.set(address, (this.#holders.get(address) ?? new Set()).add(key))
      if (!before.includes(address)) this.#look(address)
    }
  }

  #look(address: string): void {
    if (address === '' || this.#isRight(address)) return
    if (!this.#wrong.has(address)) this.#wrong.set(address, this.#parts.clock.monotonic())
    this.#arm(PATIENCE_MILLISECONDS)
  }

  #isRight(address: string): boolean {
    const { reader } = this.#parts
    const object = reader.get('networking.k8s.io/v1', 'IPAddress', { name: address })
    if (!object || !isAllocators(object)) return !this.#holders.has(address)
    const [namespace, name] = serviceOf(object)?.split('/') ?? []
    const service = namespace && name ? reader.get('v1', 'Service', { namespace, name }) : undefined
    return service !== undefined && clusterIPsOf(service).includes(address) && isObjectOf(object, service)
  }

  #servicesAt(address: string): Service[] {
    return Array.from(this.#holders.get(address) ?? []).flatMap((key) => {
      const [namespace = '', name = ''] = key.split('/')
      return this.#parts.reader.get('v1', 'Service', { namespace, name }) ?? []
    })
  }

  #arm(milliseconds: number): void {
    if (this.#timer || this.#repairing) return
    this.#timer = this.#parts.clock.after(milliseconds, () => {
      this.#timer = undefined
      this.#repairing = this.#repairAll().then((isDone) => {
        this.#repairing = undefined
        if (this.#wrong.size > 0) this.#arm(isDone ? PATIENCE_MILLISECONDS : RETRY_MILLISECONDS)
      })
    })
  }

  async #repairAll(): Promise<boolean> {
    const { log } = this.#parts
    let isDone = true
    for (const [address, since] of [...this.#wrong]) {
      if (this.#isWaitedFor(address, since) || !this.#wrong.delete(address) || this.#isRight(address)) continue
      try {
        await this.#repair(address)
        if (this.#isRight(address)) log.warn('an IPAddress was not what Services hold; it is repaired', { address })
        else log.warn('an IPAddress is not what Services hold, and something holds it', { address })
      } catch (error) {
        this.#wrong.set(address, since)
        isDone = false
        log.error('an IPAddress could not be repaired; tried again', { address, error })
      }
    }
    return isDone
  }

  #isWaitedFor(address: string, since: number): boolean {
    const { isShared, clock } = this.#parts
    return isShared && !this.#holders.has(address) && !this.#isRight(address) && clock.monotonic() - since < ORPHAN_MILLISECONDS
  }

  async #repair(address: string): Promise<void> {
    const services = this.#servicesAt(address)
    const [service] = services
    if (service) {
      const { metadata, spec } = clusterIPObject(address, service)
      const wanted = required('networking.k8s.io/v1', 'IPAddress', { metadata, spec }, (present) =>
        services.some((each) => isObjectOf(present, each)) ? undefined : 'remake',
      )
      return ensureAll([[wanted]], this.#parts)
    }
    const present = this.#parts.reader.get('networking.k8s.io/v1', 'IPAddress', { name: address })
    if (!present) return
    const { resourceVersion } = present.metadata
    await removeUnwanted({ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', name: address, resourceVersion }, this.#parts)
  }
}
