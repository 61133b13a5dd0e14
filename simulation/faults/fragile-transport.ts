import { ConnectionError } from '../../shared/client/connection-error.ts'
import type { Transport } from '../../shared/client/transport.ts'

/** A transport whose requests are counted and whose connections a test can cut. */
export interface FragileTransport extends Transport {
  /** Requests whose answer is not complete; watches are left out. */
  readonly inFlight: number
  /** Makes the server unreachable, or reachable again; what is open breaks. */
  cut(isCut: boolean): void
}

/** Puts a test's hand on a transport. */
export function fragileTransport(inner: Transport): FragileTransport {
  let inFlight = 0
  let isCut = false
  let breaking = new AbortController()
  return {
    get inFlight() {
      return inFlight
    },
    cut(wanted) {
      isCut = wanted
      if (!wanted) return
      breaking.abort(new ConnectionError('the test cut the connection'))
      breaking = new AbortController()
    },
    async send(request) {
      if (isCut) throw new ConnectionError('the test made the server unreachable')
      const signal = AbortSignal.any([...(request.signal ? [request.signal] : []), breaking.signal])
      if (request.stream) return inner.send({ ...request, signal })
      inFlight++
      try {
        const response = await inner.send({ ...request, signal })
        const text = await response.text()
        return { ...response, text: async () => text }
      } finally {
        inFlight--
      }
    },
    close: () => inner.close(),
  }
}
