import { createServer, type Server } from 'node:http'
import type { Clock } from '../../shared/time/clock.ts'

/** How long until a port that is somebody else's is tried again. */
const RETRY_MILLISECONDS = 5_000

/** Anybody may ask at these ports: little is read, and nobody is waited for. */
const BOUNDS = { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 60_000 }
const MOST_CONNECTIONS = 100

/** What a load balancer outside is told of one Service on this node. */
export interface ServiceHealthPort {
  /** The Service's `healthCheckNodePort`. */
  readonly port: number
  /** Its ready endpoints on this node. */
  readonly localEndpoints: number
}

export interface ServiceHealthParts {
  /** Where it is served. */
  host: string
  /** Whether the proxy itself works. */
  isHealthy: () => boolean
  clock: Clock
  /** Said once for a port that cannot be opened; it is tried again until it can. */
  onProblem: (service: string, message: string) => void
}

interface Opened {
  wanted: ServiceHealthPort
  server: Server
}

/**
 * One HTTP server for each Service of type LoadBalancer with externalTrafficPolicy Local: 200 while this node has endpoints of it, 503 else. By that the
 * load balancer knows which nodes to send its connections to. Path and method do not matter; body and headers are upstream's.
 */
export class ServiceHealth {
  readonly #parts: ServiceHealthParts
  readonly #open = new Map<string, Opened>()
  readonly #said = new Set<string>()

  constructor(parts: ServiceHealthParts) {
    this.#parts = parts
  }

  /** From now on this is served for a Service (`namespace/name`); undefined: nothing. */
  set(service: string, wanted: ServiceHealthPort | undefined): void {
    const opened = this.#open.get(service)
    if (opened && opened.wanted.port === wanted?.port) {
      opened.wanted = wanted
      return
    }
    if (opened) this.#close(service, opened)
    if (wanted) this.#listen(service, wanted)
  }

  close(): void {
    for (const [service, opened] of this.#open) this.#close(service, opened)
  }

  #listen(service: string, wanted: ServiceHealthPort): void {
    const { host, clock, onProblem } = this.#parts
    const server = createServer(BOUNDS, (_request, response) => {
      const { localEndpoints } = this.#open.get(service)?.wanted ?? { localEndpoints: 0 }
      const isHealthy = this.#parts.isHealthy()
      response.writeHead(localEndpoints > 0 && isHealthy ? 200 : 503, {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': `${localEndpoints}`,
      })
      const [namespace = '', name = ''] = service.split('/')
      response.end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: isHealthy }, null, '\t'))
    })
    server.maxConnections = MOST_CONNECTIONS
    this.#open.set(service, { wanted, server })
    server.on('error', (error) => {
      if (!this.#said.has(service)) onProblem(service, `its health cannot be served on port ${wanted.port}: ${error.message}`)
      this.#said.add(service)
      clock.after(RETRY_MILLISECONDS, () => {
        const now = this.#open.get(service)
        if (now?.server === server) this.#listen(service, now.wanted)
      })
    })
    server.listen(wanted.port, host, () => this.#said.delete(service))
  }

  #close(service: string, { server }: Opened): void {
    this.#open.delete(service)
    this.#said.delete(service)
    server.close()
    server.closeAllConnections()
  }
}
