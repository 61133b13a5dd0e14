import { PassThrough, Readable, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import { outcomeStatus, type Session, type SessionOutcome, type SessionWish, terminalSizes } from './session.ts'

/** The first byte of each message says which stream it is of. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/** Newest first. Only v5 can close stdin; the one without a version tells failures as text, and exit codes not at all. */
export const channelProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'channel.k8s.io'] as const

/** A session whose streams are channels of one WebSocket. */
export function webSocketSession(socket: WebSocket, wish: SessionWish): Session {
  const gone = new AbortController()
  const stdin = wish.stdin ? incoming(socket) : undefined
  const resize = wish.tty ? new PassThrough() : undefined
  let finishing = false

  socket.on('message', (message: Buffer) => {
    const data = message.subarray(1)
    switch (message[0]) {
      case channel.stdin:
        if (stdin && !stdin.push(data)) socket.pause()
        return
      case channel.resize:
        resize?.write(data)
        return
      case channel.close:
        if (data[0] === channel.stdin) stdin?.push(null)
        return
      default: // The other channels are ours to write; upstream ignores such messages too.
    }
  })
  socket.on('close', () => {
    stdin?.push(null)
    resize?.end()
    if (!finishing) gone.abort(new Error('the client went away'))
  })
  // `close` follows; there is nobody to tell.
  socket.on('error', () => {})

  const stdout = wish.stdout ? outgoing(socket, channel.stdout) : undefined
  const stderr = wish.stderr && !wish.tty ? outgoing(socket, channel.stderr) : undefined
  // An empty message tells the client that the session stands, before the command says anything.
  const first = stdout ? channel.stdout : stderr ? channel.stderr : channel.error
  socket.send(Buffer.of(first))

  return {
    stdin,
    stdout,
    stderr,
    resize: resize && terminalSizes(resize),
    signal: gone.signal,
    async finish(outcome) {
      finishing = true
      const text = resultText(socket.protocol, outcome)
      if (text !== undefined) await send(socket, Buffer.concat([Buffer.of(channel.error), Buffer.from(text)]))
      socket.close(1000)
    },
  }
}

function resultText(protocol: string, outcome: SessionOutcome): string | undefined {
  if (protocol !== 'channel.k8s.io' && protocol !== '') return JSON.stringify(outcomeStatus(outcome))
  const status = outcomeStatus(outcome)
  return 'message' in status ? status.message : undefined
}

function incoming(socket: WebSocket): Readable {
  return new Readable({
    read() {
      socket.resume()
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
