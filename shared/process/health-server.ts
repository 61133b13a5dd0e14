import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from '../metrics/metrics.ts'
import { own } from '../objects/own.ts'

/** Fine when it returns undefined; otherwise the sentence that says what is wrong. */
export type Check = () => string | undefined

/** What the four paths answer. */
export interface HealthSources {
  /** The process works at all: `/livez` and `/healthz`. */
  live?: Record<string, Check>
  /** The process does its job now: `/readyz`, on top of `live`. */
  ready?: Record<string, Check>
  /** Paths that answer in words of their own, as JSON, instead of the above. */
  answers?: Record<string, () => HealthAnswer>
  /** Without: no `/metrics`. */
  metrics?: Metrics | undefined
}

/** An answer in JSON. */
export interface HealthAnswer {
  readonly code: number
  readonly body: string
}

export interface HealthServer {
  /** Resolves with the port, once it listens. @throws Error when the port is taken */
  start(): Promise<number>
  stop(): Promise<void>
}

/** Nobody asks these four paths with more than this. */
const HEAD_BYTES = 16 * 1024
const KEEP_ALIVE_MILLISECONDS = 60_000

/** Plain HTTP for `/healthz`, `/livez`, `/readyz` (each `?verbose`) and `/metrics`. 200, or 500 with the checks that failed. */
export function createHealthServer(address: { host: string; port: number }, sources: HealthSources): HealthServer {
  const live = sources.live ?? {}
  const ready = { ...live, ...sources.ready }
  const server = createServer({ maxHeaderSize: HEAD_BYTES, keepAliveTimeout: KEEP_ALIVE_MILLISECONDS }, (request, response) => {
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
    const verbose = /(^|&)verbose(=|&|$)/.test(query)
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'only GET\n')
    const special = own(sources.answers, path)?.()
    if (special) return send(response, special.code, special.body, 'application/json')
    if (path === '/metrics' && sources.metrics)
      return send(response, 200, sources.metrics.render(), 'text/plain; version=0.0.4; charset=utf-8')
    if (path === '/healthz' || path === '/livez') return answer(response, live, verbose)
    if (path === '/readyz') return answer(response, ready, verbose)
    send(response, 404, `/healthz, /livez${sources.metrics ? ', /readyz and /metrics' : ' and /readyz'} are here\n`)
  })
  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(address.port, address.host, () => {
          server.off('error', reject)
          resolve((server.address() as AddressInfo).port)
        })
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(response: ServerResponse, checks: Record<string, Check>, verbose: boolean): void {
  const results = Object.entries(checks).map(([name, check]) => ({ name, problem: check() }))
  const failed = results.some((result) => result.problem !== undefined)
  if (!failed && !verbose) {
    send(response, 200, 'ok')
    return
  }
  const lines = results.map(({ name, problem }) => (problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`))
  send(response, failed ? 500 : 200, `${lines.join('\n')}\n${failed ? 'check failed' : 'check passed'}\n`)
}

function send(response: ServerResponse, code: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)
}
