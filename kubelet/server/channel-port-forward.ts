import { PassThrough, pipeline, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { PortForwardOptions } from './port-forward.ts'

/** Ports that fit: each takes two of the channels that one byte can number. */
const MOST_PORTS = 64

/** The ports asked for, as `port` in the query. @throws StatusError BadRequest */
export function forwardedPorts(query: URLSearchParams): number[] {
  const texts = query.getAll('port').flatMap((text) => text.split(','))
  const ports = texts.map(Number)
  const isBad = (port: number) => !Number.isInteger(port) || port < 1 || port > 65_535
  if (ports.length === 0 || ports.length > MOST_PORTS || ports.some(isBad)) {
    throw new StatusError('BadRequest', `query parameter "port" must name 1 to ${MOST_PORTS} ports, not ${JSON.stringify(texts.join(','))}`)
  }
  return ports
}

/**
 * Port-forward as JavaScript clients speak it: one connection a port, fixed when the WebSocket opens. Channel 2n carries the bytes of the n-th port,
 * channel 2n+1 its error; both begin with the port's number, least significant byte first. Resolves when the client has gone.
 */
export function serveChannels(socket: WebSocket, ports: readonly number[], { dial, pod, log }: PortForwardOptions): Promise<void> {
  const gone = new AbortController()
  const inputs = ports.map(() => new PassThrough())
  socket.on('message', (message: Buffer) => {
    const input = (message[0] ?? 1) % 2 === 0 ? inputs[(message[0] ?? 0) / 2] : undefined
    if (!input || input.writableEnded || input.write(message.subarray(1))) return
    // One slow port holds the others back; the alternative is memory without bound.
    socket.pause()
    input.once('drain', () => socket.resume())
  })
  socket.on('error', () => {})
  for (const [index, port] of ports.entries()) {
    const number = Buffer.from([port & 0xff, port >> 8])
    for (const channel of [2 * index, 2 * index + 1]) socket.send(Buffer.concat([Buffer.of(channel), number]))
    dial(port, gone.signal).then(
      (target) => {
        gone.signal.addEventListener('abort', () => target.destroy(), { once: true })
        pipeline(inputs[index]!, target, () => {})
        pipeline(target, outgoing(socket, 2 * index), (error) => {
          if (error && !gone.signal.aborted) log.debug('a forwarded connection broke', { pod, port, error: error.message })
        })
      },
      (cause: unknown) => {
        if (gone.signal.aborted) return
        const why = cause instanceof Error ? cause.message : String(cause)
        const text = `an error occurred forwarding ${port} -> ${port}: error forwarding port ${port} to pod ${pod}: ${why}`
        socket.send(Buffer.concat([Buffer.of(2 * index + 1), Buffer.from(text)]))
      },
    )
  }
  return new Promise((resolve) =>
    socket.once('close', () => {
      gone.abort(new Error('the client went away'))
      for (const input of inputs) input.end()
      resolve()
    }),
  )
}

function outgoing(socket: WebSocket, channel: number): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => socket.send(Buffer.concat([Buffer.of(channel), chunk]), done),
  })
}
