import type { Clock } from '../time/clock.ts'
import type { Client } from './client.ts'
import { withoutCredentials } from './connection.ts'
import { createHttpClient } from './http-client.ts'
import { createHttpsTransport } from './https-transport.ts'
import { connectionFromKubeconfig, inClusterConnection } from './kubeconfig.ts'
import type { Transport } from './transport.ts'

interface ConnectOptions {
  /** Path of the kubeconfig; absent: we are in a Pod. */
  kubeconfig: string | undefined
  clock: Clock
  userAgent: string
}

/** A client and the end of its connections. */
export interface ConnectedClient {
  client: Client
  /** To the same server, with no credentials of ours: for requests that bring a token of another account (`account-clients.ts`). */
  anonymous: Transport
  close(): void
}

/** The client that every process uses. Connects with the first request; a missing kubeconfig fails then too. */
export function connectClient({ kubeconfig, clock, userAgent }: ConnectOptions): ConnectedClient {
  const source = kubeconfig === undefined ? inClusterConnection(process.env) : connectionFromKubeconfig(kubeconfig)
  const transport = createHttpsTransport(source, { clock })
  const anonymous = createHttpsTransport(withoutCredentials(source), { clock })
  return {
    client: createHttpClient(transport, { clock, userAgent }),
    anonymous,
    close() {
      transport.close()
      anonymous.close()
    },
  }
}
