import { Duplex } from 'node:stream'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
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

export interface GrpcOptions {
  /** Certificates as PEM; without them the connection is not encrypted. `certificate` and `key` are shown to the other side. */
  readonly tls?:
    | { readonly authority?: Buffer | undefined; readonly certificate?: Buffer | undefined; readonly key?: Buffer | undefined }
    | undefined
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
export type Calls = Record<string, { request: unknown; response: unknown }>

/** A stream, as it is asked for. */
export interface StreamOptions<Message> {
  /** Default: an empty message. */
  readonly request?: object
  readonly listener: (message: Message) => void
  readonly signal: AbortSignal
  readonly metadata?: Readonly<Record<string, string>>
}

/** One program, as thinly as possible: every failure is a GrpcError, every call can be aborted. */
export interface GrpcClient<C> {
  call<Name extends keyof C & string>(
    name: Name,
    request: C[Name] extends { request: infer Request } ? Request : never,
    options?: CallOptions,
  ): Promise<C[Name] extends { response: infer Response } ? Response : never>
  /**
   * Sends one message and calls `listener` for each of the answers, until the signal aborts or the other side ends them. A listener that throws ends
   * the stream. @throws GrpcError when it breaks, or there is none
   */
  stream<Name extends keyof C & string>(
    name: Name,
    options: StreamOptions<C[Name] extends { response: infer Response } ? Response : never>,
  ): Promise<void>
  /** Gives the connection up; running calls fail. */
  close(): void
}

/**
 * Talks to the program behind an endpoint such as `unix:///run/containerd/containerd.sock`; nothing is sent before the first call.
 * @param protoFile the interface, as a file of ours
 */
export function grpcClient<C>(endpoint: string, protoFile: string, clock: Clock, options: GrpcOptions = {}): GrpcClient<C> {
  const { tls, mostBytes = MOST_BYTES, keepAlive } = options
  const methods = methodsOf(loadProto(protoFile))
  const secrets = tls
    ? credentials.createSsl(tls.authority ?? null, tls.key ?? null, tls.certificate ?? null)
    : credentials.createInsecure()
  const client = new Client(endpoint, secrets, {
    'grpc.max_receive_message_length': mostBytes,
    ...(keepAlive && {
      'grpc.keepalive_time_ms': keepAlive,
      'grpc.keepalive_timeout_ms': keepAlive,
      'grpc.keepalive_permit_without_calls': 0,
    }),
    'grpc.enable_http_proxy': 0,
    // A program that is restarted is back within a second; the library would wait for up to two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 3_000,
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
