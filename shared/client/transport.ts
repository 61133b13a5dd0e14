import type { WriteFence } from './write-fence.ts'

/** One request, as bytes; the path includes the query. */
export interface TransportRequest {
  method: string
  path: string
  headers: Record<string, string>
  body?: string | undefined
  signal?: AbortSignal | undefined
  /** A watch: gets a connection of its own, and no limit on silence. */
  stream?: boolean | undefined
  /** Asked again at the last moment before the request leaves; its objection is what `send` rejects with. */
  fence?: WriteFence | undefined
}

/** An answer whose head has arrived. Exactly one of `text` and `chunks` is used, once. */
export interface TransportResponse {
  status: number
  /** By lower-case name. */
  header(name: string): string | undefined
  /** The whole body. */
  text(): Promise<string>
  /** The body as it arrives; leaving the loop ends the exchange. */
  chunks(): AsyncIterable<Uint8Array>
}

/** Carries requests to one API server: over TLS (`https-transport.ts`), or in process for simulated clusters. */
export interface Transport {
  /** @throws ConnectionError, or the signal's reason */
  send(request: TransportRequest): Promise<TransportResponse>
  /** Ends every connection. */
  close(): void
}
