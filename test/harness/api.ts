import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { systemGroup } from '../../apiserver/authn/system-names.ts'
import type { User } from '../../apiserver/authn/user.ts'
import { settings } from '../../apiserver/config.ts'
import { type ApiServer, type ApiServerParts, createApiServer } from '../../apiserver/create-apiserver.ts'
import { localTransport } from '../../apiserver/local-transport.ts'
import type { Client } from '../../shared/client/client.ts'
import { createHttpClient } from '../../shared/client/http-client.ts'
import type { Transport } from '../../shared/client/transport.ts'
import { type Logger, silentLogger } from '../../shared/logging/logger.ts'
import { readConfig } from '../../shared/process/config.ts'
import { type Random, systemRandom } from '../../shared/random/random.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'

export interface ApiOptions {
  clock?: Clock
  random?: Random
  log?: Logger
  /** Flags besides those the harness sets. */
  args?: readonly string[]
  parts?: ApiServerParts
  /** True: on real sockets too (`api.server.url`). Default false. */
  listen?: boolean
}

/** An answer as a test looks at it. */
export interface Answer {
  status: number
  header(name: string): string | undefined
  text: string
  /** The body as JSON; undefined for an empty one. */
  json: Record<string, unknown>
}

/** A real API server in this process on memory storage. */
export interface TestApi {
  server: ApiServer
  /** Where keys and kubeconfigs are; removed when the test ends. */
  dataDir: string
  clock: Clock
  transport(user?: User): Transport
  client(user?: User): Client
  /** Any request; `body` is sent as it is when text, as JSON otherwise. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>, user?: User): Promise<Answer>
  stop(): Promise<void>
}

/** The user of requests that name none. */
export const admin: User = { name: 'kubernetes-admin', groups: [systemGroup.masters, systemGroup.authenticated] }

/** Starts an API server; `stop` it at the end, or hand in the test context. */
export async function startApi(options: ApiOptions = {}, context?: TestContext): Promise<TestApi> {
  const dataDir = mkdtempSync(join(tmpdir(), 'coxswain-api-'))
  const { clock = realClock(), random = systemRandom(), log = silentLogger(), args = [], listen = false } = options
  const flags = ['--data-dir', dataDir, '--storage', 'memory', '--secure-port', '0', '--bind-address', '127.0.0.1', ...args]
  const config = readConfig({ name: 'apiserver', summary: '' }, settings, { args: flags, env: {} })
  const server = await createApiServer(config, { clock, random, log }, { listen, ...options.parts })
  await server.start().catch(async (error: unknown) => {
    await server.stop()
    throw error
  })
  const transports = new Map<User, Transport>()
  const transport = (user = admin) => {
    const known = transports.get(user) ?? localTransport(server, user)
    transports.set(user, known)
    return known
  }
  const stop = async () => {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
  context?.after(stop)
  return {
    ...{ server, dataDir, clock, transport, stop },
    client: (user) => createHttpClient(transport(user), { clock, userAgent: 'test' }),
    async request(method, path, body, headers = {}, user = admin) {
      const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
      const type: Record<string, string> = text === undefined ? {} : { 'content-type': 'application/json' }
      const response = await transport(user).send({ method, path, headers: { ...type, ...headers }, body: text })
      return answerOf(response.status, (name) => response.header(name), await response.text())
    },
  }
}

function answerOf(status: number, header: Answer['header'], text: string): Answer {
  return {
    status,
    header,
    text,
    get json() {
      return JSON.parse(text) as Record<string, unknown>
    },
  }
}
