import type { Transport } from '../../shared/client/transport.ts'

/** A connection that can only ask: whatever is no GET is refused here, before it is sent. Watches are no question about a moment. `end` ends what is under way. */
export function readingTransport(inner: Pick<Transport, 'send' | 'close'>, end?: AbortSignal): Transport {
  return {
    async send(request) {
      if (request.method !== 'GET' || request.stream || request.body !== undefined) {
        throw new Error(`a forecast only reads the live cluster: ${request.method} ${request.path} is not sent`)
      }
      return inner.send({ ...request, signal: end })
    },
    close: () => inner.close(),
  }
}
