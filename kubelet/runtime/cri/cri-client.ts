import { fileURLToPath } from 'node:url'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { loadSync, type MethodDefinition, type PackageDefinition } from '@grpc/proto-loader'
import type { Clock } from '../../../shared/time/clock.ts'
import type { CriCalls } from './cri-messages.ts'

const PROTO = fileURLToPath(new URL('./cri.proto', import.meta.url))
/** A node's containers with all their labels stay far below; upstream's figure. Bytes. */
const MOST_BYTES = 16 * 1024 * 1024
/** A runtime that takes longer hangs; upstream's figure. Milliseconds. */
const PATIENCE = 120_000

/** A runtime's refusal, or no answer at all (`UNAVAILABLE`). Its code is gRPC's. */
export class CriError extends Error {
  override readonly name = 'CriError'
  readonly code: number
  constructor(message: string, code: number, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The runtime's "there is no such sandbox, container or image". */
export function isMissing(error: unknown): boolean {
  return error instanceof CriError && error.code === status.NOT_FOUND
}

/** An older runtime that does not have this call. */
export function isUnimplemented(error: unknown): boolean {
  return error instanceof CriError && error.code === status.UNIMPLEMENTED
}

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** Milliseconds; the runtime's answer is not waited for any longer. */
  patience?: number | undefined
}

/** The Container Runtime Interface, as thinly as possible: every failure is a CriError, every call can be aborted. */
export interface CriClient {
  call<Name extends keyof CriCalls>(
    name: Name,
    request: CriCalls[Name]['request'],
    options?: CallOptions,
  ): Promise<CriCalls[Name]['response']>
  /** Calls `listener` for each event of a container, until the signal aborts. @throws CriError when the stream breaks, or the runtime has none */
  containerEvents(listener: () => void, signal: AbortSignal): Promise<void>
}

/** Talks to the runtime behind an endpoint such as `unix:///run/containerd/containerd.sock`; nothing is sent before the first call. */
export function criClient(endpoint: string, clock: Clock): CriClient {
  const methods = methodsOf(loadCriProto(PROTO))
  const client = new Client(endpoint, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MOST_BYTES,
    'grpc.enable_http_proxy': 0,
    // A runtime that is restarted is back within a second; the library would wait for up to two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 3_000,
  })
  const method = (name: string) => {
    const found = methods.get(name)
    if (!found) throw new Error(`cri.proto has no call ${name}`)
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
          request,
          new Metadata(),
          options,
          (error, answer) => {
            signal?.removeEventListener('abort', abort)
            if (signal?.aborted) reject(signal.reason)
            else if (error) reject(asCriError(error))
            // The runtime's answers are typed by its published interface; they are trusted as part of the node.
            else resolve(answer as CriCalls[typeof name]['response'])
          },
        )
        signal?.addEventListener('abort', abort, { once: true })
      })
    },
    containerEvents(listener, signal) {
      const { path, requestSerialize, responseDeserialize } = method('GetContainerEvents')
      return new Promise((resolve, reject) => {
        const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {}, new Metadata(), {})
        const abort = () => stream.cancel()
        signal.addEventListener('abort', abort, { once: true })
        if (signal.aborted) abort()
        const settle = (error?: Error) => {
          signal.removeEventListener('abort', abort)
          if (error && !signal.aborted) reject(asCriError(error))
          else resolve()
        }
        stream.on('data', listener)
        stream.on('error', settle)
        stream.on('end', () => settle())
      })
    },
  }
}

/** Reads a file of the interface. */
export function loadCriProto(file: string): PackageDefinition {
  return loadSync(file, { longs: String, enums: String, defaults: true })
}

function methodsOf(definition: PackageDefinition): ReadonlyMap<string, MethodDefinition<object, object>> {
  const methods = new Map<string, MethodDefinition<object, object>>()
  for (const [name, service] of Object.entries(definition)) {
    if (!name.endsWith('Service')) continue
    for (const [called, one] of Object.entries(service)) methods.set(called, one as MethodDefinition<object, object>)
  }
  return methods
}

function asCriError(error: Error): CriError {
  const { code = status.UNKNOWN, details } = error as Partial<ServiceError>
  return new CriError(details || error.message, code, { cause: error })
}
