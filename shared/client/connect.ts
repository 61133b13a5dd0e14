import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import type { Client } from './client.ts'
import { type ConnectionSource, LOOK_AGAIN_MILLISECONDS, towardsServer, withoutCredentials } from './connection.ts'
import { createFailoverTransport } from './failover-transport.ts'
import { createHttpClient } from './http-client.ts'
import { createHttpsTransport } from './https-transport.ts'
import { connectionFromKubeconfig, inClusterConnection } from './kubeconfig.ts'
import { ServerList } from './server-list.ts'
import type { Transport } from './transport.ts'

interface ConnectOptions {
  /** Path of the kubeconfig; absent: we are in a Pod. */
  kubeconfig: string | undefined
  clock: Clock
  /** Which of several servers is asked first; absent: the first. */
  random?: Random | undefined
  userAgent: string
}

/** A client and the end of its connections. */
export interface ConnectedClient {
  client: Client
  /** What the client's requests go by. */
  transport: Transport
  /** To the same server, with no credentials of ours: for requests that bring a token of another account (`account-clients.ts`). */
  anonymous: Transport
  close(): void
}

/** The client that every process uses. Where the kubeconfig names several servers it keeps to one that answers. Connects with the first request; a missing kubeconfig fails then too. */
export function connectClient({ kubeconfig, clock, random, userAgent }: ConnectOptions): ConnectedClient {
  const source = kubeconfig === undefined ? inClusterConnection(process.env) : connectionFromKubeconfig(kubeconfig)
  const stranger = withoutCredentials(source)
  const servers = new ServerList(serversOf(source, clock), { clock, first: random?.fraction() ?? 0, isReady: readiness(stranger, clock) })
  const transport = createFailoverTransport(source, servers, clock)
  const anonymous = createFailoverTransport(stranger, servers, clock)
  return {
    client: createHttpClient(transport, { clock, userAgent }),
    transport,
    anonymous,
    close() {
      transport.close()
      anonymous.close()
    },
  }
}

function serversOf(source: ConnectionSource, clock: Clock): () => readonly string[] {
  let known: { urls: readonly string[]; at: number } | undefined
  return () => {
    const now = clock.monotonic()
    if (!known || now - known.at >= LOOK_AGAIN_MILLISECONDS) {
      const { server, servers = [server] } = source.current()
      known = { urls: servers, at: now }
    }
    return known.urls
  }
}

/** Asks a server whether it is ready, over connections of its own: those of requests may be what hangs. */
function readiness(source: ConnectionSource, clock: Clock): (url: string, signal: AbortSignal) => Promise<boolean> {
  return async (url, signal) => {
    const transport = createHttpsTransport(towardsServer(source, url), { clock })
    try {
      const answer = await transport.send({ method: 'GET', path: '/readyz', headers: {}, signal })
      await answer.text()
      // A server that knows no strangers (401) is one that answers.
      return answer.status < 500
    } catch {
      return false
    } finally {
      transport.close()
    }
  }
}
