import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { loadSync, type MethodDefinition, type PackageDefinition } from '@grpc/proto-loader'
import type { Clock } from '../../shared/time/clock.ts'

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

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** Milliseconds; the answer is not waited for any longer. */
  patience?: number | undefined
}

/** The calls of an interface by name, with what they take and give. */
export type Calls = Record<string, { request: unknown; response: unknown }>

/** One program of this machine, as thinly as possible: every failure is a GrpcError, every call can be aborted. */
export interface GrpcClient<C> {
  call<Name extends keyof C & string>(
    name: Name,
    request: C[Name] extends { request: infer Request } ? Request : never,
    options?: CallOptions,
  ): Promise<C[Name] extends { response: infer Response } ? Response : never>
  /** Calls `listener` for each message of a stream, until the signal aborts. @throws GrpcError when it breaks, or there is none */
  stream(name: string, listener: () => void, signal: AbortSignal): Promise<void>
  /** Gives the connection up; running calls fail. */
  close(): void
}

/**
 * Talks to the program behind an endpoint such as `unix:///run/containerd/containerd.sock`; nothing is sent before the first call.
 * @param protoFile the interface, as a file of ours
 */
export function grpcClient<C>(endpoint: string, protoFile: string, clock: Clock): GrpcClient<C> {
  const methods = methodsOf(loadProto(protoFile))
  const client = new Client(endpoint, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MOST_BYTES,
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
    stream(name, listener, signal) {
      const { path, requestSerialize, responseDeserialize } = method(name)
      return new Promise((resolve, reject) => {
        const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {}, new Metadata(), {})
        const abort = () => stream.cancel()
        signal.addEventListener('abort', abort, { once: true })
        if (signal.aborted) abort()
        const settle = (error?: Error) => {
          signal.removeEventListener('abort', abort)
          if (error && !signal.aborted) reject(asGrpcError(error))
          else resolve()
        }
        stream.on('data', listener)
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
