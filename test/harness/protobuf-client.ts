import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { encodeProtobuf, PROTOBUF_TYPE, type Typed } from '../../apiserver/protobuf/encode-protobuf.ts'
import { parseProtobuf } from '../../apiserver/protobuf/parse-protobuf.ts'
import { WireReader } from '../../apiserver/protobuf/wire-reader.ts'
import { decodeObject } from '../../apiserver/registry/schema-check.ts'
import type { TestApi } from './api.ts'

/** What client-go asks for when it speaks protobuf. */
export const PROTOBUF_FIRST = `${PROTOBUF_TYPE},application/json`

// biome-ignore lint/suspicious/noExplicitAny: any kind of object, looked into by tests
export type Loose = any

/** An answer in whatever it is written in. */
export interface Said {
  readonly status: number
  readonly type: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  /** As Go's structs would hold it. */
  readonly value: Loose
}

export interface SaidEvent {
  readonly type: string
  readonly object: Loose
}

/** A client over HTTPS that sends and asks for protobuf, as typed Go clients do. */
export interface ProtobufClient {
  /** `body`: an object, or bytes as they are. */
  ask(method: string, path: string, body?: Typed | Buffer, headers?: Record<string, string>): Promise<Said>
  /** Opens a watch and answers its content type and its events, until the loop over them is left or the server ends it. */
  watch(path: string, accept?: string): Promise<{ type: string | undefined; events: AsyncGenerator<SaidEvent, void, undefined> }>
  close(): void
}

/** For a server with `listen: true`, as its administrator. */
export function protobufClient(api: TestApi): ProtobufClient {
  const pki = (file: string) => readFileSync(join(api.dataDir, 'pki', file), 'utf8')
  const tls = { ca: pki('ca.crt'), cert: pki('admin.crt'), key: pki('admin.key'), checkServerIdentity: () => undefined }
  const agent = new Agent({ keepAlive: true, ...tls })
  const send = async (method: string, path: string, body: Buffer | undefined, headers: Record<string, string>) => {
    const { hostname, port } = new URL(api.server.url)
    const type: Record<string, string> = body ? { 'content-type': PROTOBUF_TYPE, 'content-length': String(body.length) } : {}
    const sent = request({ hostname, port, path, method, agent, headers: { accept: PROTOBUF_FIRST, ...type, ...headers } })
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return answer
  }
  return {
    async ask(method, path, body, headers = {}) {
      const bytes = body === undefined || Buffer.isBuffer(body) ? body : encodeProtobuf(body)
      const answer = await send(method, path, bytes, headers)
      const said = Buffer.concat(await answer.toArray())
      const type = answer.headers['content-type']
      return { status: answer.statusCode!, type, headers: answer.headers, bytes: said, value: read(said, type) }
    },
    async watch(path, accept = PROTOBUF_FIRST) {
      const answer = await send('GET', path, undefined, { accept })
      return { type: answer.headers['content-type'], events: eventsOf(answer) }
    },
    close: () => agent.destroy(),
  }
}

function read(bytes: Buffer, type: string | undefined): Loose {
  if (type === 'application/json') return JSON.parse(bytes.toString())
  return type === PROTOBUF_TYPE ? readProtobuf(bytes) : undefined
}

/** A body in protobuf as the object that the server would have made of it. */
export function readProtobuf(bytes: Buffer): Loose {
  const value = parseProtobuf(bytes) as Typed
  return decodeObject(value.apiVersion, value.kind, value, { fieldValidation: 'Ignore' })
}

async function* eventsOf(answer: IncomingMessage): AsyncGenerator<SaidEvent, void, undefined> {
  let rest = Buffer.alloc(0)
  for await (const chunk of answer) {
    rest = Buffer.concat([rest, chunk as Buffer])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
      const end = 4 + rest.readUInt32BE()
      yield eventOf(rest.subarray(4, end))
      rest = rest.subarray(end)
    }
  }
  if (rest.length > 0) throw new Error(`the stream ended inside a frame, ${rest.length} bytes into it`)
}

function eventOf(bytes: Buffer): SaidEvent {
  let type = ''
  let object: Loose
  for (const field of new WireReader(bytes)) {
    if (field.number === 1) type = field.text()
    else for (const part of field.message()) object = readProtobuf(part.bytes())
  }
  return { type, object }
}
