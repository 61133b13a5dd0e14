import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

/** Sends one datagram to this machine; resolves to the one that comes back. */
export function overUdp(port: number, query: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.on('error', reject)
    socket.on('message', (message) => {
      socket.close()
      resolve(message)
    })
    socket.send(query, port, '127.0.0.1')
  })
}

/** Writes the pieces to one connection, each by itself and framed already; resolves to the first `count` answers. */
export function overTcp(port: number, pieces: readonly Buffer[], count = 1): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    const answers: Buffer[] = []
    let received = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`the connection ended after ${answers.length} answers`)))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        answers.push(Buffer.from(received.subarray(2, 2 + received.readUInt16BE(0))))
        received = received.subarray(2 + received.readUInt16BE(0))
      }
      if (answers.length < count) return
      resolve(answers)
      socket.destroy()
    })
    for (const piece of pieces) socket.write(piece)
  })
}
