import { ConnectionError } from '../../shared/client/connection-error.ts'
import { createHttpClient } from '../../shared/client/http-client.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../shared/client/transport.ts'
import type { StatusError } from '../../shared/errors/status-error.ts'
import type { ProcessTools } from '../../shared/process/run.ts'
import type { Clock } from '../../shared/time/clock.ts'

/** What happens to one request; undefined: it is carried as it is. */
export type Fault =
  /** It never arrives. */
  | 'lost'
  /** It is carried out, and its answer never arrives. */
  | 'answer lost'
  /** The server refuses it so. */
  | StatusError

/** A connection on which `fault` decides, request by request. */
export function faultyTransport(inner: Transport, fault: (request: TransportRequest) => Fault | undefined): Transport {
  return {
    async send(request) {
      const what = fault(request)
      if (what === undefined) return inner.send(request)
      if (what === 'lost') throw new ConnectionError('the test lost the request')
      if (what !== 'answer lost') return refusal(what)
      const response = await inner.send(request)
      await response.text()
      throw new ConnectionError('the test lost the answer')
    },
    close: () => inner.close(),
  }
}

/** Tools whose `connect` gives clients on such a connection. */
export function withFaults(
  tools: ProcessTools,
  transport: Transport,
  fault: (request: TransportRequest) => Fault | undefined,
): ProcessTools {
  const faulty = faultyTransport(transport, fault)
  return {
    ...tools,
    connect: ({ clock, userAgent }) => ({
      client: createHttpClient(faulty, { clock, userAgent }),
      transport: faulty,
      anonymous: faulty,
      close: () => faulty.close(),
    }),
  }
}

/** A connection on which watches lag behind: what they say arrives in order, `lag` milliseconds after it was sent. */
export function laggingTransport(inner: Transport, clock: Clock, lag: () => number): Transport {
  return {
    async send(request) {
      const response = await inner.send(request)
      if (!request.stream) return response
      return {
        ...response,
        async *chunks() {
          for await (const chunk of response.chunks()) {
            await clock.sleep(lag(), request.signal)
            yield chunk
          }
        },
      }
    },
    close: () => inner.close(),
  }
}

function refusal(error: StatusError): TransportResponse {
  const text = JSON.stringify(error.toStatus())
  return {
    status: error.code,
    header: () => undefined,
    text: async () => text,
    async *chunks() {
      yield Buffer.from(text)
    },
  }
}
