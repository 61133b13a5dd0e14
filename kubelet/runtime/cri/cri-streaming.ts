import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { SpdyConnection, type SpdyStream } from '../../spdy/spdy-connection.ts'
import { RuntimeError, type SessionStreams } from '../container-runtime.ts'
import { followSizes } from '../terminal-size.ts'
import { writeAll } from '../write-all.ts'

/** The newest of upstream's protocols that all runtimes speak over SPDY: outcomes come as a Status. */
const PROTOCOL = 'v4.channel.k8s.io'
/** More of an answer than this explains no refusal. Bytes. */
const MOST_REFUSAL = 4_096

/** Which streams the runtime was told to expect. */
export interface SessionShape {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

/**
 * A session at the address that the runtime gave for it: upstream's remote command over SPDY, from the client's side. Resolves with the exit
 * code when the runtime has told the outcome and all output was taken; what nobody takes is dropped.
 * @throws RuntimeError when the runtime refuses, fails, or the connection breaks
 */
export async function runSession(url: string, shape: SessionShape, streams: SessionStreams, cut: AbortSignal): Promise<number> {
  const transport = await upgrade(url, cut)
  const connection = new SpdyConnection(transport, 'client')
  const close = () => connection.close()
  cut.addEventListener('abort', close, { once: true })
  const over = new AbortController()
  const served = connection.serve(() => {})
  served.catch(() => {}) // told by the outcome that is missing
  try {
    const open = (type: string) => connection.open(new Map([['streamtype', [type]]]))
    // The outcome's first, as the protocol has it.
    const outcome = textOf(await open('error'))
    const input = shape.stdin ? await open('stdin') : undefined
    const outputs = [
      ...(shape.stdout ? [deliver(await open('stdout'), streams.stdout, cut)] : []),
      ...(shape.stderr ? [deliver(await open('stderr'), streams.stderr, cut)] : []),
    ]
    if (shape.tty) {
      const sizes = await open('resize')
      if (streams.resize)
        void followSizes(
          streams.resize,
          async ({ width, height }) => void sizes.write(`${JSON.stringify({ Width: width, Height: height })}\n`),
          over.signal,
        )
    }
    if (input) connectInput(input, streams, over.signal)
    const [told] = await Promise.all([outcome, ...outputs])
    cut.throwIfAborted()
    return exitCodeOf(told)
  } finally {
    over.abort()
    cut.removeEventListener('abort', close)
    connection.close()
  }
}

/** Input that the command does not take is nobody's; its sender must not wait. */
function connectInput(input: SpdyStream, { stdin }: SessionStreams, over: AbortSignal): void {
  if (!stdin) {
    input.end()
    return
  }
  stdin.pipe(input)
  const disconnect = () => {
    stdin.unpipe(input)
    stdin.resume()
  }
  input.once('close', disconnect)
  over.addEventListener('abort', disconnect, { once: true })
}

async function deliver(stream: SpdyStream, output: SessionStreams['stdout'], signal: AbortSignal): Promise<void> {
  for await (const chunk of stream) if (output) await writeAll(output, chunk, signal)
}

async function textOf(stream: SpdyStream): Promise<string> {
  const parts: Buffer[] = []
  for await (const chunk of stream) parts.push(chunk)
  return Buffer.concat(parts).toString()
}

/** @throws RuntimeError for an outcome that is no exit */
export function exitCodeOf(told: string): number {
  if (told === '') throw new RuntimeError('SessionLost', 'the connection to the container runtime broke')
  const { status, message, details } = asStatus(told)
  if (status === 'Success') return 0
  const cause = details?.causes?.find(({ reason }) => reason === 'ExitCode')
  const code = Number(cause?.message)
  if (cause && Number.isInteger(code)) return code
  throw new RuntimeError('SessionFailed', message ?? told)
}

interface ToldStatus {
  status?: string
  message?: string
  details?: { causes?: { reason?: string; message?: string }[] }
}

function asStatus(text: string): ToldStatus {
  try {
    return JSON.parse(text) as ToldStatus
  } catch {
    return { message: text } // older protocols tell failures as plain text
  }
}

function upgrade(url: string, signal: AbortSignal): Promise<Duplex> {
  const { protocol } = new URL(url)
  if (protocol !== 'http:') {
    const message = `the container runtime serves sessions by ${protocol} (${url}); let it serve them on loopback without TLS`
    return Promise.reject(new RuntimeError('SessionFailed', message))
  }
  return new Promise((resolve, reject) => {
    const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': PROTOCOL }
    const asked = request(url, { method: 'POST', headers, signal })
    asked.once('upgrade', (_answer, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    asked.once('response', (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        text = (text + part).slice(0, MOST_REFUSAL)
      })
      answer.once('close', () =>
        reject(new RuntimeError('SessionFailed', `the container runtime refused the session: ${answer.statusCode} ${text.trim()}`)),
      )
    })
    asked.once('error', (error) => reject(signal.aborted ? signal.reason : error))
    asked.end()
  })
}
