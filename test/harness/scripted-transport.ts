import type { Transport, TransportRequest, TransportResponse } from '../../shared/client/transport.ts'

/** What a scripted server answers: `body` as it is when text, as JSON otherwise; `chunks` for watches. */
export interface ScriptedAnswer {
  status?: number
  headers?: Record<string, string>
  body?: unknown
  chunks?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** A server at the edge of the machine: answers are given by a function, and it fails as the function throws. */
export function scriptedTransport(
  answer: (request: TransportRequest) => ScriptedAnswer | Promise<ScriptedAnswer>,
): Transport & { requests: TransportRequest[] } {
  const requests: TransportRequest[] = []
  return {
    requests,
    async send(request): Promise<TransportResponse> {
      request.signal?.throwIfAborted()
      requests.push(request)
      const { status = 200, headers = {}, body, chunks } = await answer(request)
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
      return {
        status,
        header: (name) => headers[name],
        text: async () => text,
        async *chunks() {
          if (chunks) yield* chunks
          else if (text !== '') yield Buffer.from(text)
        },
      }
    },
    close() {},
  }
}
