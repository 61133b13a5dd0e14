import { isIP } from 'node:net'
import { Duplex } from 'node:stream'
import { checkServerIdentity } from 'node:tls'
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { loadSync, type MethodDefinition, type PackageDefinition } from '@grpc/proto-loader'
import type { Clock } from '../time/clock.ts'

/** Answers stay far below; upstream's figure. Bytes. */
const MOST_BYTES = 16 * 1024 * 1024
/** A program that takes longer hangs; upstream's figure. Milliseconds. */
const PATIENCE = 120_000

/** The other program's refusal, or no answer at all (`UNAVAILABLE`). Its code is gRPC's. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError'
  readonly code: number
  constructor(message: string, code: number, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The other program's "there is no such thing". */
export function isMissing(error: unknown): boolean {
  return error instanceof GrpcError && error.code === status.NOT_FOUND
}

/** An older program that does not have this call. */
export function isUnimplemented(error: unknown): boolean {
  return error instanceof GrpcError && error.code === status.UNIMPLEMENTED
}

/** The other program will say no again, however often it is asked the same. */
export function isRefused(error: unknown): boolean {
  const final: readonly number[] = [status.INVALID_ARGUMENT, status.OUT_OF_RANGE, status.NOT_FOUND, status.FAILED_PRECONDITION]
  return error instanceof GrpcError && final.includes(error.code)
}

/** PEM. */
export interface Tls {
  /** Whom to believe; default: the authorities of the system. */
  readonly authority?: Buffer | undefined
  /** Shown to the other side. */
  readonly certificate?: Buffer | undefined
  readonly key?: Buffer | undefined
}

export interface GrpcOptions {
  /** Left out: the connection is not encrypted. */
  readonly tls?: Tls | undefined
  /** Bytes of one answer. */
  readonly mostBytes?: number | undefined
  /** Milliseconds without a word after which the other side is asked whether it is there. Default: it is not asked. */
  readonly keepAlive?: number | undefined
}

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** Milliseconds; the answer is not waited for any longer. */
  patience?: number | undefined
}

/** The calls of an interface by name, with what they take and give. */
export type Calls<C> = { readonly [Name in keyof C]: { readonly request: unknown; readonly response: unknown } }

/** A stream, as it is asked for. */
export interface StreamOptions<Message> {
  /** Default: an empty message. */
  readonly request?: object
  readonly listener: (message: Message) => void
  readonly signal: AbortSignal
  readonly metadata?: Readonly<Record<string, string>>
}

/** One program, as thinly as possible: every failure is a GrpcError, every call can be aborted. */
export interface GrpcClient<C extends Calls<C>> {
  call<Name extends keyof C & string>(name: Name, request: C[Name]['request'], options?: CallOptions): Promise<C[Name]['response']>
  /**
   * Sends one message and calls `listener` for each of the answers, until the signal aborts or the other side ends them. A listener that throws ends
   * the stream. @throws GrpcError when it breaks, or there is none
   */
  stream<Name extends keyof C & string>(name: Name, options: StreamOptions<C[Name]['response']>): Promise<void>
  /** Gives the connection up; running calls fail. */
  close(): void
}

/**
 * Talks to the program behind an endpoint such as `unix:///run/containerd/containerd.sock`; nothing is sent before the first call.
 * @param protoFile the interface, as a file of ours
 */
export function grpcClient<C extends Calls<C>>(
  endpoint: string,
  protoFile: string,
  clock: Clock,
  options: GrpcOptions = {},
): GrpcClient<C> {
  const { tls, mostBytes = MOST_BYTES, keepAlive } = options
  const methods = methodsOf(loadProto(protoFile))
  const address = tls && addressOf(endpoint)
  const client = new Client(endpoint, tls ? secured(tls, address) : credentials.createInsecure(), {
    ...(address && { 'grpc.ssl_target_name_override': UNNAMED }),
    'grpc.max_receive_message_length': mostBytes,
    ...(keepAlive && {
      'grpc.keepalive_time_ms': keepAlive,
      'grpc.keepalive_timeout_ms': keepAlive,
      'grpc.keepalive_permit_without_calls': 0,
    }),
    'grpc.enable_http_proxy': 0,
    // A program that is restarted is back within a second; the library would wait for up to two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
  })
  const method = (name: string) => {
    const found = methods.get(name)
    if (!found) throw new Error(`${protoFile} has no call ${name}`)
    return found
  }

  return {
    call(name, request, { signal, patience = PATIENCE } = {}) {
      if (signal?.aborted) return Promise.reject(signal.reason)
      const { path, requestSerialize, responseDeserialize } = method(name)
      return new Promise((resolve, reject) => {
        const abort = () => running.cancel()
        const options = Number.isFinite(patience) ? { deadline: clock.now() + patience } : {}
        const running = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          // Serialised by the interface, which refuses what is not of it.
          request as object,
          new Metadata(),
          options,
          (error, answer) => {
            signal?.removeEventListener('abort', abort)
            if (signal?.aborted) reject(signal.reason)
            else if (error) reject(asGrpcError(error))
            // Answers have the shape of the interface: whatever came was read by it.
            else resolve(answer as Parameters<typeof resolve>[0])
          },
        )
        signal?.addEventListener('abort', abort, { once: true })
      })
    },
    stream(name, { request = {}, listener, signal, metadata }) {
      const { path, requestSerialize, responseDeserialize, requestStream } = method(name)
      return new Promise((resolve, reject) => {
        const said = new Metadata()
        for (const [key, value] of Object.entries(metadata ?? {})) said.set(key, value)
        const stream = requestStream
          ? client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, said, {})
          : client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, said, {})
        if (stream instanceof Duplex) stream.write(request)
        const abort = () => stream.cancel()
        signal.addEventListener('abort', abort, { once: true })
        if (signal.aborted) abort()
        const settle = (error?: Error) => {
          signal.removeEventListener('abort', abort)
          if (error && !signal.aborted) reject(error === thrown ? error : asGrpcError(error))
          else resolve()
        }
        let thrown: Error | undefined
        stream.on('data', (message: Parameters<typeof listener>[0]) => {
          if (thrown) return
          try {
            listener(message)
          } catch (error) {
            thrown = error instanceof Error ? error : new Error(String(error))
            settle(thrown)
            stream.cancel()
          }
        })
        stream.on('error', settle)
        stream.on('end', () => settle())
      })
    },
    close: () => client.close(),
  }
}

/** What a server is called in the handshake whose name is an address: addresses may not be said there, and the library says what it dialled. */
const UNNAMED = 'unnamed'

/** The IP address in an endpoint, if it is one. */
function addressOf(endpoint: string): string | undefined {
  const host = /^dns:\[?([^\]]+?)\]?:\d+$/.exec(endpoint)?.[1]
  return host !== undefined && isIP(host) !== 0 ? host : undefined
}

function secured({ authority, key, certificate }: Tls, address: string | undefined): ChannelCredentials {
  return credentials.createSsl(authority ?? null, key ?? null, certificate ?? null, {
    ...(address !== undefined && { checkServerIdentity: (_unnamed, peer) => checkServerIdentity(address, peer) }),
  })
}

/** Reads a file of an interface. */
export function loadProto(file: string): PackageDefinition {
  return loadSync(file, { longs: String, enums: String, defaults: true })
}

function methodsOf(definition: PackageDefinition): ReadonlyMap<string, MethodDefinition<object, object>> {
  const methods = new Map<string, MethodDefinition<object, object>>()
  for (const service of Object.values(definition)) {
    // Messages and enums say their format, services are their methods.
    if (typeof service.format === 'string') continue
    for (const [called, one] of Object.entries(service)) methods.set(called, one as MethodDefinition<object, object>)
  }
  return methods
}

function asGrpcError(error: Error): GrpcError {
  const { code = status.UNKNOWN, details } = error as Partial<ServiceError>
  return new GrpcError(details || error.message, code, { cause: error })
}
