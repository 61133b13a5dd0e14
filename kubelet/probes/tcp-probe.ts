import { connect } from 'node:net'
import { failureOf, type ProbeOutcome, success } from './probe-outcome.ts'

/** Well when somebody accepts the connection. */
export function tcpProbe(host: string, port: number, signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const finish = (outcome: ProbeOutcome) => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(outcome)
    }
    const onAbort = () => finish(failureOf(signal.reason, `dial tcp ${host}:${port}`, signal))
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', () => finish(success()))
    socket.on('error', (error) => finish(failureOf(error, `dial tcp ${host}:${port}`, signal)))
  })
}
