import { type ClientHttp2Session, connect } from 'node:http2'
import { failure, failureOf, PROBE_USER_AGENT, type ProbeOutcome, success } from './probe-outcome.ts'

export interface GrpcTarget {
  host: string
  port: number
  /** Name the health service is asked about; empty: the server as a whole. */
  service: string
}

/** `grpc.health.v1.HealthCheckResponse.ServingStatus` */
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const
const SERVING = 1
const UNIMPLEMENTED = '12'

/** Asks the standard health service over cleartext HTTP/2; well when it says SERVING. */
export async function grpcProbe(target: GrpcTarget, signal: AbortSignal): Promise<ProbeOutcome> {
  const what = `gRPC health check of ${target.host}:${target.port}`
  const authority = `http://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`
  let session: ClientHttp2Session | undefined
  try {
    session = connect(authority)
    return judge(await call(session, target.service, signal), target)
  } catch (error) {
    return failureOf(error, what, signal)
  } finally {
    session?.destroy()
  }
}

interface Answer {
  grpcStatus: string | undefined
  grpcMessage: string
  body: Buffer
}

function call(session: ClientHttp2Session, service: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    session.once('error', reject)
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
        'user-agent': PROBE_USER_AGENT,
      },
      { signal },
    )
    const answer: Answer = { grpcStatus: undefined, grpcMessage: '', body: Buffer.alloc(0) }
    const note = (headers: Record<string, string | string[] | number | undefined>) => {
      if (headers['grpc-status'] !== undefined) answer.grpcStatus = String(headers['grpc-status'])
      if (headers['grpc-message'] !== undefined) answer.grpcMessage = String(headers['grpc-message'])
    }
    stream.once('response', note)
    stream.once('trailers', note)
    stream.on('data', (chunk: Buffer) => {
      // An answer is a few bytes; whoever sends more is no health service.
      if (answer.body.length < 1024) answer.body = Buffer.concat([answer.body, chunk])
    })
    stream.once('end', () => resolve(answer))
    stream.once('error', reject)
    stream.end(frame(request(service)))
  })
}

function judge({ grpcStatus, grpcMessage, body }: Answer, { service }: GrpcTarget): ProbeOutcome {
  if (grpcStatus === UNIMPLEMENTED) return failure('this server does not implement the grpc health protocol (grpc.health.v1.Health)')
  if (grpcStatus !== '0') return failure(`health rpc failed with gRPC status ${grpcStatus ?? 'none'}: ${grpcMessage}`)
  const status = readStatus(body)
  if (status === SERVING) return success('service healthy')
  return failure(`service ${JSON.stringify(service)} unhealthy (responded with ${JSON.stringify(STATUSES[status] ?? String(status))})`)
}

/** gRPC's framing of one message: not compressed, four bytes of length. */
export function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** HealthCheckRequest: field 1, the service's name. */
function request(service: string): Buffer {
  if (service === '') return Buffer.alloc(0)
  const name = Buffer.from(service, 'utf8')
  return Buffer.concat([Buffer.of(0x0a), varint(name.length), name])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

/** HealthCheckResponse: field 1, the status; absent means 0. */
function readStatus(body: Buffer): number {
  const message = body.subarray(5)
  return message[0] === 0x08 ? (message[1] ?? 0) : 0
}
