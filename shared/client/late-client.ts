import { orAborted } from '../time/or-aborted.ts'
import type { Client } from './client.ts'

/** A client that can be handed out before there is a way to the API server. */
export interface LateClient {
  /** Every call waits until there is one, or its own signal or that of the whole aborts. */
  readonly client: Client
  /** From here on calls go to this client. */
  connect(client: Client): void
}

/** @param signal nobody will connect any more: what waits, and what comes without a connection, fails with its reason */
export function lateClient(signal: AbortSignal): LateClient {
  const connected = Promise.withResolvers<Client>()
  let known: Client | undefined
  const there = async (own: AbortSignal | undefined): Promise<Client> =>
    known ?? orAborted(connected.promise, own ? AbortSignal.any([signal, own]) : signal)

  return {
    connect(client) {
      known = client
      connected.resolve(client)
    },
    client: {
      get: async (v, k, name, options) => (await there(options?.signal)).get(v, k, name, options),
      list: async (v, k, options) => (await there(options?.signal)).list(v, k, options),
      async *watch(v, k, options) {
        yield* (await there(options?.signal)).watch(v, k, options)
      },
      create: async (v, k, object, options) => (await there(options?.signal)).create(v, k, object, options),
      update: async (v, k, object, options) => (await there(options?.signal)).update(v, k, object, options),
      updateStatus: async (v, k, object, options) => (await there(options?.signal)).updateStatus(v, k, object, options),
      patch: async (v, k, name, patch, options) => (await there(options?.signal)).patch(v, k, name, patch, options),
      delete: async (v, k, name, options) => (await there(options?.signal)).delete(v, k, name, options),
      createSubresource: async (v, k, name, subresource, body, options) =>
        (await there(options?.signal)).createSubresource(v, k, name, subresource, body, options),
      request: async (method, path, options) => (await there(options?.signal)).request(method, path, options),
      async *watchPath(path, options) {
        yield* (await there(options?.signal)).watchPath(path, options)
      },
    },
  }
}
