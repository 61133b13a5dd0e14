import { Agent } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import type { Socket } from 'node:net'
import type { Address } from './resolve-backend.ts'

/** Opens a connection; resolves nothing, the socket tells. */
export type Dial = (address: Address) => Socket

/** Free connections that are kept to one Pod. */
const MOST_FREE = 256
/** Milliseconds that a free connection is kept. Pods that say when they close (Keep-Alive) are believed. */
const FREE_MILLISECONDS = 30_000
/**
 * The same for requests that must not be asked twice: one that meets a connection which the Pod is just closing could not be saved, and hardly
 * any server closes one that was used a second ago.
 */
const FREE_FOR_CHANGES_MILLISECONDS = 1_000

/** One Pod behind a backend: its connections, and how busy it is with us. */
export class Endpoint {
  readonly address: Address
  readonly #dial: Dial
  readonly #agents: { readonly reads: Agent; readonly changes: Agent }
  #session: ClientHttp2Session | undefined
  #isLeaving = false
  /** Requests that it has not finished. */
  outstanding = 0
  /** Until when others are preferred (monotonic milliseconds): a connection to it failed. */
  avoidedUntil = 0

  constructor(address: Address, dial: Dial) {
    this.address = address
    this.#dial = dial
    this.#agents = { reads: this.#agent(FREE_MILLISECONDS), changes: this.#agent(FREE_FOR_CHANGES_MILLISECONDS) }
  }

  get name(): string {
    const { address, port } = this.address
    return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  }

  /** Connections for a request that may be asked twice, or must not. */
  agentFor(isRepeatable: boolean): Agent {
    return isRepeatable ? this.#agents.reads : this.#agents.changes
  }

  /** A connection of its own, for protocols that take it over. */
  dial(): Socket {
    return this.#dial(this.address)
  }

  /** The connection that all HTTP/2 requests share; a new one where the last one ends or takes no more. */
  session(): ClientHttp2Session {
    const present = this.#session
    if (present && !present.closed && !present.destroyed) return present
    const session = connectHttp2(`http://${this.name}`, { createConnection: () => this.#dial(this.address) })
    // Each request hears of it by its own stream.
    session.on('error', () => undefined)
    session.on('goaway', () => session.close())
    return (this.#session = session)
  }

  /** Counts a request in; call what it answers once, when the request is over. */
  begin(): () => void {
    this.outstanding++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.outstanding--
      if (this.#isLeaving && this.outstanding === 0) this.#close()
    }
  }

  /** No more requests: what runs may finish, then its connections are closed. */
  leave(): void {
    this.#isLeaving = true
    if (this.outstanding === 0) this.#close()
  }

  #close(): void {
    this.#agents.reads.destroy()
    this.#agents.changes.destroy()
    this.#session?.close()
  }

  #agent(timeout: number): Agent {
    const agent = new Agent({ keepAlive: true, maxFreeSockets: MOST_FREE, scheduling: 'lifo', timeout })
    agent.createConnection = () => this.#dial(this.address)
    return agent
  }
}
