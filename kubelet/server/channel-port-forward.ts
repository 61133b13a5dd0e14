import { PassThrough, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { WebSocket } from 'ws'
import { StatusError } from '../../shared/errors/status-error.ts'
import { forwardFailure, type PortForwardOptions } from './port-forward.ts'

/** Ports that fit: each takes two of the channels that one byte can number. */
const MOST_PORTS = 64
/** Normal closure (RFC 6455, 7.4.1). */
const HUNG_UP = 1000

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
 * channel 2n+1 its error; both begin with the port's number, least significant byte first. A channel cannot say that it has ended: when
 * all ports have hung up, the WebSocket does. Resolves then, or when the client has gone.
 */
export async function serveChannels(socket: WebSocket, ports: readonly number[], options: PortForwardOptions): Promise<void> {
  const { scope } = options
  const inputs = ports.map(() => scope.own(new PassThrough()))
  socket.on(
    'message',
    scope.guard((message: Buffer) => {
      const input = (message[0] ?? 1) % 2 === 0 ? inputs[(message[0] ?? 0) / 2] : undefined
      if (!input || input.writableEnded || input.destroyed || input.write(message.subarray(1))) return
      // One slow port holds the others back; the alternative is memory without bound.
      socket.pause()
      const resume = () => {
        for (const event of ['drain', 'close']) input.off(event, resume)
        socket.resume()
      }
      for (const event of ['drain', 'close']) input.once(event, resume)
    }),
  )
  for (const [index, port] of ports.entries()) {
    const number = Buffer.from([port & 0xff, port >> 8])
    for (const channel of [2 * index, 2 * index + 1]) socket.send(Buffer.concat([Buffer.of(channel), number]))
  }
  await Promise.all(ports.map((port, index) => forwardChannel({ port, input: inputs[index]!, channel: 2 * index, socket }, options)))
  if (!scope.isOver) socket.close(HUNG_UP)
}

interface ForwardedChannel {
  port: number
  input: PassThrough
  channel: number
  socket: WebSocket
}

/** Never rejects: whatever becomes of one port, the others go on. */
async function forwardChannel(
  { port, input, channel, socket }: ForwardedChannel,
  { dial, pod, scope, log }: PortForwardOptions,
): Promise<void> {
  try {
    const target = scope.own(await dial(port, scope.signal))
    const output = scope.own(outgoing(socket, channel))
    const sent = pipeline(input, target)
    // What the client still sends after the port has hung up is for nobody.
    sent.catch(() => undefined)
    await pipeline(target, output)
    input.destroy()
  } catch (cause) {
    input.destroy()
    if (scope.isOver) return
    const why = cause instanceof Error ? cause.message : String(cause)
    log.debug('a forwarded connection failed', { pod, port, error: why })
    socket.send(Buffer.concat([Buffer.of(channel + 1), Buffer.from(forwardFailure(pod, port, why))]))
  }
}

function outgoing(socket: WebSocket, channel: number): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => socket.send(Buffer.concat([Buffer.of(channel), chunk]), done),
  })
}
