import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { ServerList } from '../../shared/client/server-list.ts'
import { ConfigError } from '../../shared/process/config.ts'
import type { ProcessTools, Service } from '../../shared/process/run.ts'
import { anonymousStatus } from '../anonymous-status.ts'
import type { DoorConfig } from './config.ts'
import { openPassage } from './passage.ts'

/** An API server takes 2,500 connections from one address, and all of the door's come from one. */
const MOST_CONNECTIONS = 2_000

/**
 * One address for several API servers: it carries bytes to one that lives, and understands none of them. When that one is left, because it is silent while
 * another is ready, its connections are broken: their clients come again, and find another.
 */
export class ApiDoor implements Service {
  readonly #config: DoorConfig
  readonly #tools: ProcessTools
  readonly #servers: ServerList
  readonly #door: Server
  /** Connections to servers, by URL. */
  readonly #used = new Map<string, Set<Socket>>()
  readonly #clients = new Set<Socket>()

  /** @throws ConfigError where there is no server, or something that is no address of one */
  constructor(config: DoorConfig, tools: ProcessTools) {
    const { servers, lookPeriod: lookMilliseconds, patience: patienceMilliseconds } = config
    const wrong = servers.find((server) => !URL.canParse(server) || new URL(server).port === '')
    if (wrong !== undefined)
      throw new ConfigError(`--servers: ${JSON.stringify(wrong)} is no URL with a port, such as https://10.0.0.1:6443`)
    if (servers.length === 0) throw new ConfigError('--servers: name at least one')
    this.#config = config
    this.#tools = tools
    this.#servers = new ServerList(() => servers, {
      ...{ clock: tools.clock, first: tools.random.fraction(), lookMilliseconds, patienceMilliseconds },
      isReady: async (url, signal) => isServing(await anonymousStatus(`${url}/readyz`, signal)),
    })
    this.#servers.onLeave((url) => {
      tools.log.info('leaving a server', { url })
      for (const socket of this.#used.get(url) ?? []) socket.destroy()
    })
    this.#door = createServer((client) => this.#letIn(client))
    this.#door.maxConnections = MOST_CONNECTIONS
  }

  /** Where it listens; known after `start`. */
  get port(): number {
    const address = this.#door.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async start(): Promise<void> {
    this.#door.listen(this.#config.port, this.#config.bindAddress)
    await once(this.#door, 'listening')
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#door.close(resolve))
    for (const client of this.#clients) client.destroy()
    await closed
  }

  #letIn(client: Socket): void {
    this.#clients.add(client)
    client.on('close', () => this.#clients.delete(client))
    // What breaks is closed, and that is seen.
    client.on('error', () => {})
    openPassage(client, {
      count: this.#servers.size,
      use: () => this.#servers.use(),
      dial: (url) => this.#dial(url),
      refused: (url) => this.#servers.leave(url),
    })
  }

  #dial(url: string): Socket {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    const sockets = this.#used.get(url) ?? new Set()
    this.#used.set(url, sockets.add(socket))
    socket.on('error', (error) => this.#tools.log.debug('a connection to a server broke', { url, error }))
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
}

/** A server that knows no strangers (401) is one that answers. */
const isServing = (status: number | undefined) => status !== undefined && status < 500
