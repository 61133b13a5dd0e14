import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { settings } from '../../apiserver/config.ts'
import { type ApiServer, createApiServer } from '../../apiserver/create-apiserver.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { readConfig } from '../../shared/process/config.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'

/** How a request identifies itself. */
export interface Identity {
  readonly token?: string | undefined
  /** PEM. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly headers?: Readonly<Record<string, string | string[]>> | undefined
}

export interface Answer {
  readonly code: number
  /** Parsed where it is JSON, else the text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind; a wrong guess fails the test and nothing else
  readonly body: any
}

/** An API server on a real port with real TLS, for tests of what only connections show. */
export interface ServedApi {
  readonly server: ApiServer
  readonly directory: string
  /** The administrator's certificate. */
  readonly admin: Identity
  /** Milliseconds that the server's clock is ahead; timers stay real. */
  skew: number
  /** Does at once what the server does from time to time. */
  doRepeatedWork(): Promise<void>
  call(identity: Identity | Promise<Identity>, method: string, path: string, body?: unknown, contentType?: string): Promise<Answer>
  /** Removes the data unless it is to be kept. */
  stop(options?: { keep: boolean }): Promise<void>
}

/** @param present the folder of an earlier server, to start again on its data; that server must have been stopped with `keep`. */
export async function serveApi(args: readonly string[] = [], present?: string): Promise<ServedApi> {
  const directory = present ?? mkdtempSync(join(tmpdir(), 'served-api-'))
  const real = realClock()
  const served = { skew: 0 }
  const repeated: (() => unknown)[] = []
  const clock: Clock = {
    ...real,
    now: () => real.now() + served.skew,
    every(milliseconds, action) {
      repeated.push(action)
      return real.every(milliseconds, action)
    },
  }
  const all = [
    `--data-dir=${directory}`,
    '--storage=memory',
    '--secure-port=0',
    '--bind-address=127.0.0.1',
    '--advertise-address=192.0.2.1',
    ...args,
  ]
  const config = readConfig({ name: 'apiserver', summary: '' }, settings, { args: all, env: {} })
  const server = await createApiServer(config, { clock, random: systemRandom(), log: silentLogger() })
  try {
    await server.start()
  } catch (error) {
    await server.stop()
    throw error
  }
  const pki = (file: string) => readFileSync(join(directory, 'pki', file), 'utf8')
  const agents = new Set<Agent>()

  return Object.assign(served, {
    server,
    directory,
    async doRepeatedWork() {
      await Promise.all(repeated.map((action) => action()))
    },
    admin: { cert: pki('admin.crt'), key: pki('admin.key') },
    async call(
      by: Identity | Promise<Identity>,
      method: string,
      path: string,
      body?: unknown,
      contentType = 'application/json',
    ): Promise<Answer> {
      const identity = await by
      const agent = new Agent({ keepAlive: false })
      agents.add(agent)
      const headers = {
        ...(body === undefined ? {} : { 'content-type': contentType }),
        ...(identity.token === undefined ? {} : { authorization: `Bearer ${identity.token}` }),
        ...identity.headers,
      }
      const tls = { ca: server.credentials.authority, ...(identity.cert ? { cert: identity.cert, key: identity.key } : {}) }
      return new Promise((resolve, reject) => {
        const sent = request(new URL(path, server.url), { method, headers, agent, ...tls }, (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => resolve({ code: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()) }))
          response.on('error', reject)
        })
        sent.on('error', reject)
        sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
      })
    },
    async stop({ keep } = { keep: false }) {
      for (const agent of agents) agent.destroy()
      await server.stop()
      if (!keep) rmSync(directory, { recursive: true, force: true })
    },
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
