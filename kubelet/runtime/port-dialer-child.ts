/** Runs inside a pod's network namespace: connects to local ports and hands the sockets to the parent, until that lets go. See port-dialer.ts. */
import { connect } from 'node:net'
import type { DialAnswer, DialQuestion } from './port-dialer.ts'

/** IPv4's loopback first, then IPv6's: servers listen on either. */
function dial({ id, port }: DialQuestion, hosts: string[], failures: string[]): void {
  const [host, ...others] = hosts
  if (host === undefined) return answer({ id, connected: false, message: failures.join('; ') })
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
  socket.once('error', (error) => dial({ id, port }, others, [...failures, error.message]))
  socket.once('connect', () => {
    socket.removeAllListeners('error')
    answer({ id, connected: true }, socket)
  })
}

function answer(message: DialAnswer, socket?: ReturnType<typeof connect>): void {
  process.send?.(message, socket)
}

// Listening keeps the channel, and with it this process, alive until the parent disconnects.
process.on('message', (question: DialQuestion) => dial(question, ['127.0.0.1', '::1'], []))
