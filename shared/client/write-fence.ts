import type { Transport } from './transport.ts'

/** Whether who uses a transport may still change things: a leader may until its time is over. */
export interface WriteFence {
  /** Why nothing may be written at this moment; undefined: it may. Looks at the clock, so it is right after a pause of the whole process too. */
  objection(): Error | undefined
}

/**
 * A transport that carries no write which the fence objects to: not when it is asked, not after it waited for a connection or went on to another server. What has left
 * this process is the server's.
 */
export function fencedTransport(inner: Transport, fence: WriteFence): Transport {
  return {
    async send(request) {
      if (request.method === 'GET') return inner.send(request)
      const objection = fence.objection()
      if (objection) throw objection
      return inner.send({ ...request, fence })
    },
    close: () => inner.close(),
  }
}
