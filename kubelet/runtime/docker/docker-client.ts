import type { Duplex, Readable } from 'node:stream'
import Docker from 'dockerode'

/** An answer of the engine that was not success, or no answer at all (`statusCode` undefined). */
export class DockerError extends Error {
  override readonly name = 'DockerError'
  readonly statusCode: number | undefined
  constructor(message: string, statusCode: number | undefined, options?: { cause?: unknown }) {
    super(message, options)
    this.statusCode = statusCode
  }
}

/** True for the engine's "there is no such container, exec or image". */
export function isMissing(error: unknown): boolean {
  return error instanceof DockerError && error.statusCode === 404
}

export interface DockerCall {
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  signal?: AbortSignal | undefined
  /** Registry credentials, sent in the engine's own header. */
  authconfig?: { username: string; password: string; serveraddress: string } | undefined
}

type Method = 'GET' | 'POST' | 'DELETE'

/** The Docker Engine API, as thinly as possible: every failure is a DockerError, every call can be aborted. */
export interface DockerClient {
  /** One request, one JSON answer. 304 ("it is so already") is success. */
  call<T>(method: Method, path: string, options?: DockerCall): Promise<T>
  /** A streaming answer; the caller must read or destroy it. */
  stream(method: Method, path: string, options?: DockerCall): Promise<Readable>
  /** A connection taken over in both directions (exec, attach). */
  hijack(path: string, options?: DockerCall): Promise<Duplex>
}

const SUCCESS = { 101: true, 200: true, 201: true, 202: true, 204: true, 304: true }

/** Connects to the engine behind a Unix socket; nothing is sent before the first call. */
export function dockerClient(socketPath: string): DockerClient {
  const docker = new Docker({ socketPath })

  function dial<T>(method: Method, path: string, options: DockerCall, extra: object): Promise<T> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    const query = new URLSearchParams()
    for (const [key, value] of Object.entries(options.query ?? {})) if (value !== undefined) query.set(key, String(value))
    const search = query.size > 0 ? `?${query}&` : ''
    return new Promise((resolve, reject) => {
      docker.modem.dial(
        {
          path: `${path}${search}`,
          method,
          // An empty body must be no body at all: the engine refuses `{}` without a content type, and some calls refuse it with one.
          ...(options.body === undefined ? {} : { options: { _query: {}, _body: options.body } }),
          ...(options.authconfig ? { authconfig: options.authconfig } : {}),
          ...(signal ? { abortSignal: signal } : {}),
          statusCodes: SUCCESS,
          ...extra,
        },
        (error: unknown, answer: unknown) => {
          // Whoever reads it learns of a break there; without a listener from the start, a break before that would end the process.
          if (isStream(answer)) answer.on('error', () => {})
          if (signal?.aborted) {
            // The answer won the race against the abort: it must not be left open behind the caller's back.
            if (isStream(answer)) answer.destroy()
            reject(signal.reason)
          } else if (error) reject(asDockerError(error))
          // The engine's answers are typed by its published API; they are trusted as part of the node.
          else resolve(answer as T)
        },
      )
    })
  }

  return {
    call: (method, path, options = {}) => dial(method, path, options, {}),
    stream: (method, path, options = {}) => dial(method, path, options, { isStream: true }),
    hijack(path, options = {}) {
      // An explicit empty body where there is none: a chunked one would never be sent off, or end up in the container's input.
      const body = options.body === undefined ? { file: Buffer.alloc(0) } : {}
      return dial('POST', path, options, { hijack: true, isStream: true, ...body })
    },
  }
}

function isStream(answer: unknown): answer is Readable {
  return typeof answer === 'object' && answer !== null && 'destroy' in answer
}

function asDockerError(error: unknown): DockerError {
  if (!(error instanceof Error)) return new DockerError(String(error), undefined)
  const statusCode = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined
  const body = 'json' in error ? error.json : undefined
  const said = typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : undefined
  // For streams the client library leaves only its own sentence around the engine's.
  const bare = error.message.replace(/^\(HTTP code \d+\) .*? - /, '').trim()
  return new DockerError(said ?? bare, statusCode, { cause: error })
}
