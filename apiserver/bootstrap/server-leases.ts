import { createHash } from 'node:crypto'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Lease } from '../../shared/openapi/generated/coordination-v1.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock, Timer } from '../../shared/time/clock.ts'
import { microTimestamp } from '../../shared/time/timestamp.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { type EnsureTools, ensureAll, removeUnwanted, required, type UnwantedObject } from './ensure.ts'
import { requiredKubernetesEndpoints, type ServerAddress, staleKubernetesSlices } from './kubernetes-endpoints.ts'

const API = 'coordination.k8s.io/v1'
const NAMESPACE = 'kube-system'
/** The name and its value are upstream's: who looks for API servers selects by it. */
const LABEL = 'apiserver.kubernetes.io/identity'
const COMPONENT = 'kube-apiserver'
/** Where its server can be reached from Pods: `192.0.2.1:6443`. */
const ADDRESS = 'coxswain.io/advertised-address'

/** Seconds after which a Lease that nobody has renewed is over. */
const DURATION = 10
/** Milliseconds. */
const RENEWAL = 3_000
const LOOK = 1_000
/** After so many milliseconds without a look at the store, nothing is concluded from what was seen before. */
const LONGEST_GAP = 5_000
/** How long a server that stops waits for the store at most, in milliseconds. */
const LEAVING = 2_000

export interface ServerLeasesParts extends EnsureTools {
  readonly reader: ObjectReader
  readonly random: Random
  readonly clock: Clock
  readonly log: Logger
  readonly hostname: string
}

/**
 * Which servers of several are alive, and where `kubernetes` leads: each renews a Lease, and the endpoints are those of all Leases there are. A Lease
 * that this server has not seen renewed for as long as it says it lasts is removed; so all see the same, whatever their clocks say. A server that was only
 * slow makes its own again.
 */
export class ServerLeases {
  readonly #parts: ServerLeasesParts
  readonly #holder: string
  /** How each Lease was when it was last another one, and when that was, in monotonic milliseconds. */
  readonly #seen = new Map<string, { readonly version: string | undefined; readonly at: number }>()
  #own: { readonly name: string; readonly address: ServerAddress } | undefined
  #renewed = Number.NEGATIVE_INFINITY
  #looked = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined
  #working: Promise<void> | undefined

  constructor(parts: ServerLeasesParts) {
    this.#parts = parts
    this.#holder = parts.random.uuid()
  }

  /** Resolves when `kubernetes` leads here too. @throws StatusError */
  async start(address: ServerAddress): Promise<void> {
    this.#own = { name: leaseName(this.#parts.hostname, address), address }
    await this.#tick()
    this.#timer = this.#parts.clock.every(LOOK, () => {
      // What takes longer is not begun twice.
      this.#working ??= this.#tick()
        .catch((error: unknown) => this.#parts.log.warn('the Leases of API servers could not be kept; tried again', { error }))
        .finally(() => {
          this.#working = undefined
        })
    })
  }

  /** Takes this server out of the endpoints, unless it is the last. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    const { clock, log } = this.#parts
    const left = new AbortController()
    const leaving = (async () => {
      await this.#working
      await this.#leave()
    })().catch((error: unknown) =>
      log.warn('this server could not take itself out of the endpoints; others do when its Lease is over', { error }),
    )
    const tooLong = clock.sleep(LEAVING, left.signal).catch(() => {}) // left before that
    await Promise.race([leaving.then(() => left.abort()), tooLong])
  }

  async #tick(): Promise<void> {
    const { clock, reader } = this.#parts
    const now = clock.monotonic()
    if (now - this.#renewed >= RENEWAL) {
      await this.#renew()
      this.#renewed = now
    }
    // One that stood still for a while must not write what it knew before.
    await reader.upToDate()
    // Nobody is late where the store did not answer, or this server stood still: all begin anew.
    if (clock.monotonic() - this.#looked > LONGEST_GAP) this.#seen.clear()
    this.#looked = clock.monotonic()
    for (const lease of this.#leases()) if (this.#isOver(lease)) await this.#remove(lease)
    await this.#lead()
  }

  async #renew(): Promise<void> {
    if (!this.#own) return
    const { name, address } = this.#own
    const now = microTimestamp(this.#parts.clock.now())
    const spec = { holderIdentity: `${name}_${this.#holder}`, leaseDurationSeconds: DURATION, renewTime: now }
    const labels = { [LABEL]: COMPONENT, 'kubernetes.io/hostname': this.#parts.hostname }
    const annotations = { [ADDRESS]: textOf(address) }
    const wanted = { metadata: { namespace: NAMESPACE, name, labels, annotations }, spec: { ...spec, acquireTime: now } }
    await this.#ensure([
      required(API, 'Lease', wanted, (present) => ({
        ...present,
        metadata: {
          ...present.metadata,
          labels: { ...present.metadata.labels, ...labels },
          annotations: { ...present.metadata.annotations, ...annotations },
        },
        spec: { ...present.spec, ...spec },
      })),
    ])
  }

  #leases(): Lease[] {
    return this.#parts.reader.list(API, 'Lease', NAMESPACE).filter(({ metadata }) => metadata.labels?.[LABEL] === COMPONENT)
  }

  #isOver({ metadata, spec }: Lease): boolean {
    const { name = '', resourceVersion: version } = metadata
    const now = this.#parts.clock.monotonic()
    const seen = this.#seen.get(name)
    if (!seen || seen.version !== version) this.#seen.set(name, { version, at: now })
    else if (name !== this.#own?.name) return now - seen.at > (spec.leaseDurationSeconds ?? DURATION) * 1_000
    return false
  }

  /** As it was seen; one that was renewed meanwhile stays. */
  async #remove({ metadata }: Lease): Promise<void> {
    const { name = '', resourceVersion } = metadata
    await this.#delete({ apiVersion: API, kind: 'Lease', namespace: NAMESPACE, name, resourceVersion })
    this.#seen.delete(name)
    this.#parts.log.warn('an API server has not renewed its Lease and is taken for dead', {
      lease: name,
      address: metadata.annotations?.[ADDRESS],
    })
  }

  async #leave(): Promise<void> {
    if (!this.#own) return
    const { name } = this.#own
    const lease = this.#parts.reader.get(API, 'Lease', { namespace: NAMESPACE, name })
    const others = this.#leases().filter(({ metadata }) => metadata.name !== name)
    if (!lease?.spec.holderIdentity?.endsWith(this.#holder)) return
    this.#own = undefined
    const { resourceVersion } = lease.metadata
    await this.#delete({ apiVersion: API, kind: 'Lease', namespace: NAMESPACE, name, resourceVersion })
    await this.#leadTo(others.flatMap(addressOf))
  }

  #lead(): Promise<void> {
    const addresses = this.#leases().flatMap(addressOf)
    const own = this.#own?.address
    const isMissing = own && !addresses.some((each) => textOf(each) === textOf(own))
    return this.#leadTo(isMissing ? [...addresses, own] : addresses)
  }

  /** Nothing is known of nobody: the last endpoint stays. */
  async #leadTo(addresses: readonly ServerAddress[]): Promise<void> {
    if (addresses.length === 0) return
    const { reader } = this.#parts
    const wanted = requiredKubernetesEndpoints(addresses)
    await this.#ensure(wanted.filter(({ isThere }) => !isThere(reader)).map(({ object }) => object))
    for (const stale of staleKubernetesSlices(addresses, reader)) await this.#delete(stale)
  }

  async #ensure(objects: Parameters<typeof ensureAll>[0][number]): Promise<void> {
    if (objects.length > 0) await ensureAll([objects], this.#parts)
  }

  /** What another server has changed meanwhile is looked at again. */
  async #delete(object: UnwantedObject): Promise<void> {
    await removeUnwanted(object, this.#parts).catch((error: unknown) => {
      if (!hasReason(error, 'Conflict')) throw error
    })
  }
}

/** The same after a restart, and another one for each server of a machine. */
function leaseName(hostname: string, address: ServerAddress): string {
  return `apiserver-${createHash('sha256')
    .update(`${hostname} ${textOf(address)}`)
    .digest('hex')
    .slice(0, 26)}`
}

function textOf({ address, port }: ServerAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** Nothing for a Lease that does not say where its server is. */
function addressOf({ metadata }: Lease): ServerAddress[] {
  const [, six, four, port] = /^(?:\[([\da-f:.]+)\]|([\d.]+)):(\d{1,5})$/i.exec(metadata.annotations?.[ADDRESS] ?? '') ?? []
  const address = six ?? four
  return address === undefined ? [] : [{ address, port: Number(port) }]
}
