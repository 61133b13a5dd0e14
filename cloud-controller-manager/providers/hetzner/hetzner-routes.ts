import type { CloudRoute, Routes } from '../../provider.ts'
import { type HetznerApi, HetznerError } from './hetzner-api.ts'
import { asRecord, listOf, textOf } from './parse.ts'

/** Routes of the cluster's private network. */
export class HetznerRoutes implements Routes {
  readonly #api: HetznerApi
  readonly #path: string

  constructor(api: HetznerApi, network: number) {
    this.#api = api
    this.#path = `/networks/${network}`
  }

  list(signal: AbortSignal): Promise<CloudRoute[]> {
    const routesOf = (value: unknown) => listOf(asRecord(value)['routes'] ?? [], parseRoute)
    return this.#api.get(this.#path, 'network', routesOf, signal)
  }

  create({ range, gateway }: CloudRoute, signal: AbortSignal): Promise<void> {
    return this.#api.write('POST', `${this.#path}/actions/add_route`, { destination: range, gateway }, signal)
  }

  async delete({ range, gateway }: CloudRoute, signal: AbortSignal): Promise<void> {
    try {
      await this.#api.write('POST', `${this.#path}/actions/delete_route`, { destination: range, gateway }, signal)
    } catch (error) {
      if (!(error instanceof HetznerError && error.status === 404)) throw error
    }
  }
}

function parseRoute(value: unknown): CloudRoute {
  const route = asRecord(value)
  return { range: textOf(route, 'destination'), gateway: textOf(route, 'gateway') }
}
