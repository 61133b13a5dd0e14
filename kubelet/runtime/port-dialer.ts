import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Clock, Timer } from '../../shared/time/clock.ts'
import { RuntimeError } from './container-runtime.ts'

const CHILD = fileURLToPath(new URL('./port-dialer-child.ts', import.meta.url))
/** A dialer that nobody uses for this long ends. Milliseconds; starting one costs about fifty. */
const IDLE = 3_000

export interface DialQuestion {
  id: number
  port: number
}

/** What the child answers: it hands over the connected socket itself, or says why it could not connect. */
export type DialAnswer = { id: number; connected: true } | { id: number; connected: false; message: string }

interface Asked {
  resolve(socket: Socket): void
  reject(error: unknown): void
}

/** One child inside one sandbox's namespace. */
interface Dialer {
  child: ChildProcess
  asked: Map<number, Asked>
  idle: Timer | undefined
  complaint: string
}

/** Connects to ports inside the network namespaces of sandboxes, loopback included. */
export interface PortDialer {
  /** @param pid a process of the sandbox, by which its namespace is found */
  dial(sandboxId: string, pid: number, port: number, signal: AbortSignal): Promise<Socket>
}

/**
 * A child enters the namespace, connects, and passes the socket back; a socket keeps the namespace it was made in, so no byte goes through the
 * child. It stays a while for the next connection, because browsers open many at once.
 */
export function portDialer(clock: Clock): PortDialer {
  const dialers = new Map<string, Dialer>()
  let lastId = 0

  const open = (sandboxId: string, pid: number): Dialer => {
    const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, '--', process.execPath, CHILD], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const dialer: Dialer = { child, asked: new Map(), idle: undefined, complaint: '' }
    const end = (error: Error) => {
      if (dialers.get(sandboxId) === dialer) dialers.delete(sandboxId)
      dialer.idle?.cancel()
      for (const { reject } of dialer.asked.values()) reject(error)
      dialer.asked.clear()
    }
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      dialer.complaint = (dialer.complaint + text).slice(-500)
    })
    child.on('message', (answer: DialAnswer, handle) => {
      const question = dialer.asked.get(answer.id)
      dialer.asked.delete(answer.id)
      rest(dialer)
      // Whoever asked may have given up meanwhile.
      if (!question) (handle as Socket | undefined)?.destroy()
      else if (answer.connected && handle) question.resolve(halfOpen(handle as Socket))
      else question.reject(new RuntimeError('PortForwardError', answer.connected ? 'the socket was lost on its way' : answer.message))
    })
    child.on('error', end)
    child.on('exit', (code) =>
      end(new RuntimeError('PortForwardError', `could not enter the pod's network (${code}): ${dialer.complaint}`)),
    )
    dialers.set(sandboxId, dialer)
    return dialer
  }

  /** Lets the child end when nobody asks any more: it lives as long as the channel does. */
  const rest = (dialer: Dialer) => {
    dialer.idle?.cancel()
    dialer.idle = undefined
    if (dialer.asked.size > 0) return
    dialer.idle = clock.after(IDLE, () => {
      for (const [id, one] of dialers) if (one === dialer) dialers.delete(id)
      if (dialer.child.connected) dialer.child.disconnect()
    })
  }

  return {
    dial: (sandboxId, pid, port, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const dialer = dialers.get(sandboxId) ?? open(sandboxId, pid)
        const question: DialQuestion = { id: ++lastId, port }
        const onAbort = () => {
          dialer.asked.delete(question.id)
          rest(dialer)
          reject(signal.reason)
        }
        const settled = () => signal.removeEventListener('abort', onAbort)
        signal.addEventListener('abort', onAbort, { once: true })
        dialer.idle?.cancel()
        dialer.asked.set(question.id, {
          resolve: (socket) => {
            settled()
            resolve(socket)
          },
          reject: (error) => {
            settled()
            reject(error)
          },
        })
        // A child that has just ended reports itself by `exit`.
        dialer.child.send(question, () => {})
      }),
  }
}

/** A handle that comes through the channel closes both ways when its peer closes one, and with it goes what others have not read yet. */
function halfOpen(socket: Socket): Socket {
  socket.allowHalfOpen = true
  return socket
}
