import type { ObjectOf } from '../../shared/client/client.ts'
import type { Random } from '../../shared/random/random.ts'
import type { ResourceServices } from '../registry/define-resource.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { AllocationError } from './allocation-error.ts'
import { bandOf } from './ip-range.ts'
import { NumberPool } from './number-pool.ts'

const PROTOCOLS = ['TCP', 'UDP', 'SCTP']

/** Those of one protocol. */
interface Ports {
  readonly numbers: NumberPool
  /** What stored Services hold, and what is on its way into the store: another server may have stored what is on its way here. */
  readonly stored: Set<number>
  readonly coming: Set<number>
}

/** Node ports. A port is taken for a protocol, because one Service may use one number for both TCP and UDP (DNS does). */
export class PortRange {
  readonly first: number
  readonly last: number
  readonly #pools: ReadonlyMap<string, Ports>

  /** @throws Error when it is no range of ports */
  constructor(first: number, last: number) {
    if (!(first >= 1 && first <= last && last <= 65535)) throw new Error(`${first}-${last} is no range of ports`)
    this.first = first
    this.last = last
    const size = last - first + 1
    const none = () => ({ numbers: new NumberPool(size, bandOf(size, 16, 128)), stored: new Set<number>(), coming: new Set<number>() })
    this.#pools = new Map(PROTOCOLS.map((protocol) => [protocol, none()]))
  }

  /** Takes the port wanted, or any that no protocol uses. @throws AllocationError */
  take(wanted: number | undefined, protocol: string, random: Random): number {
    const pool = this.#pool(protocol)
    if (wanted === undefined) {
      const others = [...this.#pools.values()].filter((each) => each !== pool)
      const index = pool.numbers.pick(random, (number) => !others.some((each) => each.numbers.isTaken(number)))
      if (index === undefined) throw new AllocationError('full', 'failed to allocate a nodePort: range is full')
      this.#hold(pool, pool.coming, index)
      return this.first + index
    }
    if (wanted < this.first || wanted > this.last) {
      throw new AllocationError(
        'outside',
        `provided port is not in the valid range. The range of valid ports is ${this.first}-${this.last}`,
      )
    }
    if (pool.numbers.isTaken(wanted - this.first)) throw new AllocationError('taken', 'provided port is already allocated')
    this.#hold(pool, pool.coming, wanted - this.first)
    return wanted
  }

  /** What was taken is not stored after all. */
  release(port: number, protocol: string): void {
    const pool = this.#pool(protocol)
    this.#free(pool, pool.coming, port - this.first)
  }

  /** Keeps in step with the stored Services; answers the unsubscriber. */
  follow(reader: ObjectReader): () => void {
    return reader.follow('v1', 'Service', (current, previous) => {
      const held = nodePortsOf(current)
      const isHeld = (port: number, protocol: string) => held.some(([number, of]) => number === port && of === protocol)
      for (const [port, protocol] of nodePortsOf(previous)) {
        const pool = this.#pools.get(protocol)
        if (pool && !isHeld(port, protocol)) this.#free(pool, pool.stored, port - this.first)
      }
      for (const [port, protocol] of held) {
        const pool = this.#pools.get(protocol)
        if (!pool) continue
        this.#hold(pool, pool.stored, port - this.first)
        // Stored: from here on it is held by what is stored alone.
        pool.coming.delete(port - this.first)
      }
    })
  }

  #hold({ numbers }: Ports, held: Set<number>, index: number): void {
    held.add(index)
    numbers.mark(index)
  }

  #free({ numbers, stored, coming }: Ports, held: Set<number>, index: number): void {
    held.delete(index)
    if (!stored.has(index) && !coming.has(index)) numbers.release(index)
  }

  #pool(protocol: string): Ports {
    const pool = this.#pools.get(protocol)
    if (!pool) throw new Error(`no protocol of Services: ${protocol}`)
    return pool
  }
}

/** The service that kinds get. */
export function nodePorts(range: PortRange, random: Random): ResourceServices['nodePorts'] {
  return {
    take: (wanted, protocol) => range.take(wanted, protocol, random),
    release: (port, protocol) => range.release(port, protocol),
    range: { first: range.first, last: range.last },
  }
}

/** Every node port of a Service, the one for health checks of its load balancer included. */
export function nodePortsOf(service: ObjectOf<'v1', 'Service'> | undefined): [port: number, protocol: string][] {
  if (!service) return []
  const { ports, healthCheckNodePort } = service.spec
  const health: [number, string][] = healthCheckNodePort ? [[healthCheckNodePort, 'TCP']] : []
  return [
    ...(ports ?? []).flatMap(({ nodePort, protocol }): [number, string][] => (nodePort ? [[nodePort, protocol || 'TCP']] : [])),
    ...health,
  ]
}
