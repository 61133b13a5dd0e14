import { fileURLToPath } from 'node:url'
import { type GrpcClient, grpcClient } from '../../shared/grpc/grpc-client.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { VolumeError } from '../volumes/volume.ts'
import type { CsiNodeCalls, NodeCapability } from './csi-messages.ts'

const PROTO = fileURLToPath(new URL('./csi.proto', import.meta.url))

/** The node part of a driver that runs on this machine. */
export interface CsiDriver {
  readonly name: string
  /** @throws GrpcError as the driver says, or after two minutes without an answer */
  readonly call: GrpcClient<CsiNodeCalls>['call']
  /** What it can do; asked once. */
  capabilities(signal: AbortSignal): Promise<ReadonlySet<NodeCapability>>
  close(): void
}

/** @param socket path of the socket that the driver listens on */
export function csiDriver(name: string, socket: string, clock: Clock): CsiDriver {
  const client = grpcClient<CsiNodeCalls>(`unix://${socket}`, PROTO, clock)
  let known: ReadonlySet<NodeCapability> | undefined
  return {
    name,
    call: client.call,
    async capabilities(signal) {
      if (known) return known
      const { capabilities } = await client.call('NodeGetCapabilities', {}, { signal })
      known = new Set(capabilities.map(({ rpc }) => (rpc?.type ?? '') as NodeCapability))
      return known
    },
    close: client.close,
  }
}

/** The drivers that have made themselves known on this node. */
export class CsiDrivers {
  readonly #drivers = new Map<string, CsiDriver>()

  /** @throws VolumeError when there is none of that name, in upstream's words */
  get(name: string): CsiDriver {
    const driver = this.#drivers.get(name)
    if (!driver) throw new VolumeError(`kubernetes.io/csi: driver name ${name} not found in the list of registered CSI drivers`)
    return driver
  }

  names(): string[] {
    return [...this.#drivers.keys()]
  }

  has(name: string): boolean {
    return this.#drivers.has(name)
  }

  /** Takes the place of one of that name. Calls that run on the old one fail, and are made again by whoever needs them. */
  add(driver: CsiDriver): void {
    this.remove(driver.name)
    this.#drivers.set(driver.name, driver)
  }

  remove(name: string): void {
    this.#drivers.get(name)?.close()
    this.#drivers.delete(name)
  }
}
