import type { TestContext } from 'node:test'
import { type Answer, type DecodedPacket, decode, encode, type Packet } from 'dns-packet'
import { type AnswerMessage, DnsServer } from '../../dns/server.ts'
import { silentLogger } from '../../shared/logging/logger.ts'

/** A question that came, and how. */
export interface Came {
  query: DecodedPacket
  name: string
  overTcp: boolean
}

/** What a server outside says: records, a whole message, or nothing. */
export type Reply = Partial<Packet> | Buffer | undefined

export interface OutsideServer {
  /** As a resolv.conf of ours may have it, and the ConfigMap. */
  address: string
  port: number
  came: Came[]
}

/** A server outside, on this machine, that says what it is told to; it ends with the test. */
export async function outsideServer(context: TestContext, reply: (came: Came) => Reply | Promise<Reply>): Promise<OutsideServer> {
  const came: Came[] = []
  const answer: AnswerMessage = async (message, overTcp) => {
    const query = decode(message)
    const one = { query, name: query.questions?.[0]?.name ?? '', overTcp }
    came.push(one)
    const said = await reply(one)
    if (said === undefined || said instanceof Buffer) return said
    return encode({ type: 'response', id: query.id ?? 0, flags: 0x0180, questions: query.questions ?? [], ...said })
  }
  const { server, port } = await listening(answer)
  context.after(() => server.close())
  return { address: `127.0.0.1:${port}`, port, came }
}

export function address(name: string, data: string, ttl = 60): Answer {
  return { type: 'A', name, data, ttl, class: 'IN' }
}

/** What says how long nothing may be remembered. */
export function startOfAuthority(ttl: number, minimum: number): Answer {
  const data = { mname: 'ns.example.com', rname: 'root.example.com', serial: 1, refresh: 1, retry: 1, expire: 1, minimum }
  return { type: 'SOA', name: 'example.com', ttl, class: 'IN', data }
}

const TRIES = 20

/** A server of our own kind on some port of this machine: one that is free for datagrams may be taken for connections, and another is tried. */
export async function listening(answer: AnswerMessage): Promise<{ server: DnsServer; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const server = new DnsServer(answer, silentLogger())
    try {
      return { server, ...(await server.listen('127.0.0.1', 0)) }
    } catch (error) {
      if (attempt === TRIES || !(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    }
  }
}
