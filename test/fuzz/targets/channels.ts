import { EventEmitter } from 'node:events'
import type { WebSocket } from 'ws'
import { webSocketSession } from '../../../kubelet/server/websocket-session.ts'
import { silentLogger } from '../../../shared/logging/logger.ts'
import { StreamScope } from '../../../shared/streams/stream-scope.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

/** The edge of the machine: a WebSocket that hands on what it is given. */
class StandInSocket extends EventEmitter {
  readonly protocol = 'v5.channel.k8s.io'
  send(_message: Buffer, ...rest: unknown[]): void {
    const done = rest.at(-1)
    if (typeof done === 'function') done()
  }
  pause(): void {}
  resume(): void {}
  close(): void {}
}

/** Messages of an exec session, one after another: length, then as many bytes. */
const target: FuzzTarget = {
  seeds: [Buffer.from('0300686903ff0000020078', 'hex'), Buffer.from('1a047b225769647468223a38302c22486569676874223a32347d0a', 'hex')],
  words: [
    Buffer.from('02ff00', 'hex'),
    Buffer.from('0100', 'hex'),
    Buffer.from('0104', 'hex'),
    '{"Width":1,"Height":2}',
    Buffer.from('00', 'hex'),
  ],
  async run(input) {
    const socket = new StandInSocket()
    const scope = new StreamScope('fuzz', silentLogger())
    const session = webSocketSession(socket as unknown as WebSocket, { stdin: true, stdout: true, stderr: false, tty: true }, scope)
    session.stdin?.resume()
    const sizes = (async () => {
      for await (const { width, height } of session.resize!)
        if (!Number.isSafeInteger(width + height)) throw new Error('a size that is none')
    })()
    for (let at = 0; at < input.length; ) {
      const length = input[at]!
      socket.emit('message', input.subarray(at + 1, at + 1 + length))
      at += 1 + length
    }
    scope.end(new Error('over'))
    await sizes.catch((error: unknown) => {
      if (error instanceof TypeError || (error instanceof Error && error.message.includes('a size'))) throw error
    })
    await session.finish({ exitCode: 0 })
  },
  isExpected: () => false,
}
export default target
