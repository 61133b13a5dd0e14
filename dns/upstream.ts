import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Clock } from '../shared/time/clock.ts'

const PATIENCE_MILLISECONDS = 2_000
/** Queries that wait for upstream servers at the same time, each with a socket of its own (CoreDNS' usual `max_concurrent`). */
export const MOST_FORWARDED = 1_000

/** A query could not be answered by any upstream server; the message says what each of them did. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
}

/** Servers of a resolv.conf, without those that would ask us again. */
export async function nameserversOf(file: string, own: readonly string[]): Promise<string[]> {
  const text = await readFile(file, 'utf8')
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .map(([, address]) => address ?? '')
    .filter((address) => !own.includes(address) && !address.includes(':'))
}

/** Passes queries on as they came, to one server after the other, and their answers back. */
export class Upstream {
  readonly #servers: () => Promise<readonly string[]>
  readonly #clock: Clock
  #forwarded = 0

  /** `servers` is asked for each query, so that a changed resolv.conf counts at once. */
  constructor(servers: () => Promise<readonly string[]>, clock: Clock) {
    this.#servers = servers
    this.#clock = clock
  }

  /** @throws UpstreamError when nobody answers, or too many others wait */
  async forward(query: Buffer, overTcp: boolean): Promise<Buffer> {
    if (this.#forwarded >= MOST_FORWARDED) throw new UpstreamError(`${MOST_FORWARDED} queries wait for upstream servers already`)
    this.#forwarded++
    try {
      return await this.#firstAnswer(query, overTcp)
    } finally {
      this.#forwarded--
    }
  }

  async #firstAnswer(query: Buffer, overTcp: boolean): Promise<Buffer> {
    const failures: string[] = []
    for (const server of await this.#servers()) {
      try {
        return overTcp ? await this.#tcp(server, query) : await this.#udp(server, query)
      } catch (error) {
        failures.push(`${server}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    throw new UpstreamError(failures.length === 0 ? 'there is no upstream server' : failures.join('; '))
  }

  #udp(server: string, query: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      // A socket of its own gives each query a port of its own, which is most of what protects it from forged answers.
      const socket = createSocket('udp4')
      const timer = this.#clock.after(PATIENCE_MILLISECONDS, () => end(() => reject(new Error('no answer in time'))))
      const end = (settle: () => void) => {
        timer.cancel()
        socket.close()
        settle()
      }
      socket.once('error', (error) => end(() => reject(error)))
      socket.on('message', (message) => {
        if (message.length >= 12 && message.readUInt16BE(0) === query.readUInt16BE(0)) end(() => resolve(message))
      })
      socket.connect(53, server, () => socket.send(query))
    })
  }

  #tcp(server: string, query: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: server, port: 53 })
      const timer = this.#clock.after(PATIENCE_MILLISECONDS, () => socket.destroy(new Error('no answer in time')))
      let received = Buffer.alloc(0)
      socket.on('connect', () => socket.write(framed(query)))
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk])
        if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
        resolve(received.subarray(2, 2 + received.readUInt16BE(0)))
        socket.destroy()
      })
      socket.on('error', reject)
      socket.on('close', () => {
        timer.cancel()
        reject(new Error('the connection ended without an answer'))
      })
    })
  }
}

/** A message as TCP carries it: its length in front (RFC 1035, 4.2.2). */
export function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}
