import { PassThrough, Readable, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import { outcomeStatus, type Session, type SessionWish, terminalSizes } from './session.ts'

/** The first byte of each message says which stream it is of. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/** Newest first. Only v5 can close stdin; the one without a version tells failures as text, and exit codes not at all. */
export const channelProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'channel.k8s.io'] as const

/** Terminal sizes that wait to be set, in bytes; a client that sends more than people can drag a corner has some of them dropped. */
const MOST_SIZES = 16 * 1024

/** A session whose streams are channels of one WebSocket. The scope owns the connection already. */
export function webSocketSession(socket: WebSocket, wish: SessionWish, scope: StreamScope): Session {
  const stdin = wish.stdin ? scope.own(incoming(socket)) : undefined
  const resize = wish.tty ? scope.own(new PassThrough()) : undefined
  let inputEnded = false

  socket.on(
    'message',
    scope.guard((message: Buffer) => {
      const data = message.subarray(1)
      switch (message[0]) {
        case channel.stdin:
          // What comes after its end, or after the command has stopped reading, is nobody's.
          if (!stdin || inputEnded || stdin.destroyed) return
          if (!stdin.push(data)) socket.pause()
          return
        case channel.resize:
          if (resize && resize.writableLength < MOST_SIZES) resize.write(data)
          return
        case channel.close:
          if (data[0] !== channel.stdin || inputEnded) return
          inputEnded = true
          stdin?.push(null)
          return
        default: // The other channels are ours to write; upstream ignores such messages too.
      }
    }),
  )

  const stdout = wish.stdout ? scope.own(outgoing(socket, channel.stdout)) : undefined
  const stderr = wish.stderr && !wish.tty ? scope.own(outgoing(socket, channel.stderr)) : undefined
  // An empty message tells the client that the session stands, before the command says anything.
  const first = stdout ? channel.stdout : stderr ? channel.stderr : channel.error
  socket.send(Buffer.of(first))

  return {
    stdin,
    stdout,
    stderr,
    resize: resize && terminalSizes(resize),
    async finish(outcome) {
      const status = outcomeStatus(outcome)
      const isText = socket.protocol === 'channel.k8s.io' || socket.protocol === ''
      const text = isText ? ('message' in status ? status.message : undefined) : JSON.stringify(status)
      if (text !== undefined) await send(socket, Buffer.concat([Buffer.of(channel.error), Buffer.from(text)]))
      socket.close(1000)
    },
  }
}

function incoming(socket: WebSocket): Readable {
  return new Readable({
    read: () => socket.resume(),
    destroy(error, done) {
      // Nobody reads input any more, but the client's farewell must still be heard.
      socket.resume()
      done(error)
    },
  })
}

function outgoing(socket: WebSocket, number: number): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      send(socket, Buffer.concat([Buffer.of(number), chunk])).then(() => done(), done)
    },
  })
}

/** Resolves when the bytes have been handed to the system: that is the back-pressure of a WebSocket. */
function send(socket: WebSocket, message: Buffer): Promise<void> {
  return new Promise((resolve, reject) => socket.send(message, { binary: true }, (error) => (error ? reject(error) : resolve())))
}
