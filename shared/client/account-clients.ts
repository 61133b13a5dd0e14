import { type ObjectName, objectKey } from '../objects/object.ts'
import type { Clock } from '../time/clock.ts'
import { orAborted } from '../time/or-aborted.ts'
import { AccountToken } from './account-token.ts'
import type { Client } from './client.ts'
import { createHttpClient } from './http-client.ts'
import type { Transport } from './transport.ts'

interface AccountClientTools {
  /** Of whoever may make the accounts and ask for their tokens. */
  client: Client
  /** Shared by all accounts: a connection belongs to nobody, each request says whose it is. */
  anonymous: Transport
  clock: Clock
  userAgent: string
}

/**
 * Clients that act as service accounts, one an account. A token is asked for with the first request and renewed beside later ones,
 * so that a request costs no more than with credentials of one's own.
 */
export function accountClients({ anonymous, userAgent, ...tools }: AccountClientTools): (account: ObjectName) => Client {
  const known = new Map<string, Client>()
  return (account) => {
    const key = objectKey({ metadata: account })
    let client = known.get(key)
    if (!client) {
      const transport = bearerTransport(anonymous, new AccountToken(account, tools))
      client = createHttpClient(transport, { clock: tools.clock, userAgent: `${userAgent}/${account.name}` })
      known.set(key, client)
    }
    return client
  }
}

/** A transport whose requests carry the account's token; one that is refused is replaced once. */
export function bearerTransport(inner: Transport, token: Pick<AccountToken, 'current' | 'discard'>): Transport {
  return {
    async send(request) {
      for (let attempt = 1; ; attempt++) {
        // Others wait for the same token: who leaves does not end the asking.
        const value = await orAborted(token.current(), request.signal)
        const response = await inner.send({ ...request, headers: { ...request.headers, authorization: `Bearer ${value}` } })
        if (response.status !== 401) return response
        token.discard(value)
        if (attempt > 1) return response
        await response.text()
      }
    },
    close: () => inner.close(),
  }
}
