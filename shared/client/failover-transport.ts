import type { Clock } from '../time/clock.ts'
import { type ConnectionSource, towardsServer } from './connection.ts'
import { ConnectionError } from './connection-error.ts'
import { createHttpsTransport } from './https-transport.ts'
import type { ServerList, ServerUse } from './server-list.ts'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'

/**
 * Carries requests to the server of the list that is in use, and on to the next one when it cannot be reached. What may have reached a server is
 * asked again only when it changes nothing; whoever wrote is told, and looks.
 */
export function createFailoverTransport(source: ConnectionSource, servers: ServerList, clock: Clock): Transport {
  const transports = new Map<string, Transport>()
  const towards = (url: string): Transport => {
    let transport = transports.get(url)
    if (!transport) transports.set(url, (transport = createHttpsTransport(towardsServer(source, url), { clock })))
    return transport
  }
  servers.onLeave((url) => transports.get(url)?.close())

  return {
    async send(request) {
      for (let tried = 1; ; tried++) {
        const use = servers.use()
        try {
          return whileUsed(await towards(use.url).send(request), use)
        } catch (error) {
          use.end()
          if (!(error instanceof ConnectionError) || request.signal?.aborted) throw error
          servers.leave(use.url)
          if (tried >= servers.size || !mayBeAskedAgain(request, error)) throw error
        }
      }
    },
    close() {
      for (const transport of transports.values()) transport.close()
    },
  }
}

function mayBeAskedAgain({ method }: TransportRequest, { sent }: ConnectionError): boolean {
  return !sent || method === 'GET'
}

/** A server is in use until the answer has been read: a silent one would keep its reader waiting. */
function whileUsed(response: TransportResponse, use: ServerUse): TransportResponse {
  return {
    status: response.status,
    header: (name) => response.header(name),
    text: () => response.text().finally(use.end),
    async *chunks() {
      try {
        yield* response.chunks()
      } finally {
        use.end()
      }
    },
  }
}
