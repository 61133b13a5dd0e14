/** Runs inside a pod's network namespace: connects to a local port, hands the socket to the parent and ends. See port-dialer.ts. */
import { connect } from 'node:net'
import type { DialAnswer } from './port-dialer.ts'

const port = Number(process.argv[2])
// Listening keeps the channel, and with it this process, alive until the parent has taken the socket and lets go.
process.once('disconnect', () => {})

function answer(message: DialAnswer, socket?: ReturnType<typeof connect>): void {
  process.send?.(message, socket)
}

/** IPv4's loopback first, then IPv6's: servers listen on either. */
function dial(hosts: string[], failures: string[]): void {
  const [host, ...others] = hosts
  if (host === undefined) return answer({ connected: false, message: failures.join('; ') })
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
  socket.once('error', (error) => dial(others, [...failures, error.message]))
  socket.once('connect', () => {
    socket.removeAllListeners('error')
    answer({ connected: true }, socket)
  })
}

dial(['127.0.0.1', '::1'], [])
