import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { RuntimeError } from './container-runtime.ts'

const CHILD = fileURLToPath(new URL('./port-dialer-child.ts', import.meta.url))

/** What the child answers for one port: it hands over the connected socket itself, or says why it could not connect. */
export type DialAnswer = { connected: true } | { connected: false; message: string }

/**
 * Connects to a port inside another network namespace, loopback included. A short-lived child enters the namespace, connects, and passes
 * the socket back; a socket keeps the namespace it was made in, so no byte goes through the child.
 */
export function dialInNamespace(pid: number, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, '--', process.execPath, CHILD, String(port)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      signal,
    })
    let complaint = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-500)
    })
    let settled = false
    const settle = (action: () => void) => {
      if (settled) return
      settled = true
      action()
    }
    child.on('message', (answer: DialAnswer, handle) => {
      settle(() => {
        if (answer.connected && handle) resolve(handle as Socket)
        else reject(new RuntimeError('PortForwardError', answer.connected ? 'the socket was lost on its way' : answer.message))
      })
      release(child)
    })
    child.on('error', (error) => settle(() => reject(signal.aborted ? signal.reason : error)))
    child.on('exit', (code) =>
      settle(() => reject(new RuntimeError('PortForwardError', `could not enter the pod's network (${code}): ${complaint}`))),
    )
  })
}

/** Lets the child end: it lives as long as the channel does. */
function release(child: ChildProcess): void {
  if (child.connected) child.disconnect()
}
