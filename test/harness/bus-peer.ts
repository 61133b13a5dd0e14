import { once } from 'node:events'
import { connect } from 'node:net'

/** D-Bus in little endian, as far as a name that answers every call with one text needs it (D-Bus Specification, "Message Protocol"). */
const align = (bytes: Buffer, to: number) => Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)])
const number = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const text = (value: string) => Buffer.concat([number(Buffer.byteLength(value)), Buffer.from(`${value}\0`)])
const signature = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(`${value}\0`)])

interface Message {
  type: number
  fields: Map<number, string | number>
  serial: number
}

const FIELD = { path: 1, member: 3, replyTo: 5, to: 6, from: 7, signature: 8 } as const

function write(type: number, serial: number, fields: [code: number, type: string, value: string | number][], body: Buffer): Buffer {
  let list: Buffer = Buffer.alloc(0)
  for (const [code, kind, value] of fields) {
    list = Buffer.concat([align(list, 8), Buffer.from([code]), signature(kind)])
    if (typeof value === 'number') list = Buffer.concat([align(list, 4), number(value)])
    else list = kind === 'g' ? Buffer.concat([list, signature(value)]) : Buffer.concat([align(list, 4), text(value)])
  }
  const head = Buffer.concat([Buffer.from([0x6c, type, 0, 1]), number(body.length), number(serial), number(list.length), list])
  return Buffer.concat([align(head, 8), body])
}

/** The first message, and what is behind it; undefined: it is not all there. */
function read(bytes: Buffer): { message: Message; rest: Buffer } | undefined {
  if (bytes.length < 16) return undefined
  const listEnd = 16 + bytes.readUInt32LE(12)
  const end = Math.ceil(listEnd / 8) * 8 + bytes.readUInt32LE(4)
  if (bytes.length < end) return undefined
  const fields = new Map<number, string | number>()
  for (let at = 16; at < listEnd; ) {
    at = Math.ceil(at / 8) * 8
    const code = bytes.readUInt8(at)
    const kind = String.fromCharCode(bytes.readUInt8(at + 2))
    at += 4
    if (kind === 'g') {
      const length = bytes.readUInt8(at)
      fields.set(code, bytes.toString('utf8', at + 1, at + 1 + length))
      at += length + 2
      continue
    }
    at = Math.ceil(at / 4) * 4
    const value = bytes.readUInt32LE(at)
    if (kind === 'u') fields.set(code, value)
    else fields.set(code, bytes.toString('utf8', at + 4, at + 4 + value))
    at += kind === 'u' ? 4 : value + 5
  }
  return { message: { type: bytes.readUInt8(1), fields, serial: bytes.readUInt32LE(8) }, rest: bytes.subarray(end) }
}

/** Owns a name on a bus and answers each property that is asked for with the text; calls of `refused` get an error. Returns how to leave. */
export async function busPeer(socketPath: string, name: string, answer: string, refused: readonly string[]): Promise<() => void> {
  const socket = connect(socketPath)
  await once(socket, 'connect')
  const user = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex')
  socket.write(`\0AUTH EXTERNAL ${user}\r\n`)
  await once(socket, 'data')
  socket.write('BEGIN\r\n')
  let serial = 0
  const bus = 'org.freedesktop.DBus'
  const call = (member: string, kinds: string, body: Buffer) =>
    socket.write(
      write(
        1,
        ++serial,
        [
          [1, 'o', '/org/freedesktop/DBus'],
          [2, 's', bus],
          [3, 's', member],
          [6, 's', bus],
          ...(kinds ? ([[8, 'g', kinds]] as [number, string, string][]) : []),
        ],
        body,
      ),
    )
  call('Hello', '', Buffer.alloc(0))
  call('RequestName', 'su', Buffer.concat([align(text(name), 4), number(0)]))
  const owned = Promise.withResolvers<void>()
  let pending: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    for (let found = read(pending); found; found = read(pending)) {
      pending = Buffer.from(found.rest)
      const { type, fields, serial: theirs } = found.message
      if (type === 2 && fields.get(FIELD.replyTo) === 2) owned.resolve()
      if (type !== 1) continue
      const isRefused = refused.includes(String(fields.get(FIELD.member)))
      const back: [number, string, string | number][] = [
        [FIELD.replyTo, 'u', theirs],
        [FIELD.to, 's', String(fields.get(FIELD.from))],
      ]
      if (isRefused) socket.write(write(3, ++serial, [...back, [4, 's', 'org.freedesktop.DBus.Error.Failed']], Buffer.alloc(0)))
      else socket.write(write(2, ++serial, [...back, [FIELD.signature, 'g', 'v']], Buffer.concat([align(signature('s'), 4), text(answer)])))
    }
  })
  await owned.promise
  return () => socket.destroy()
}
