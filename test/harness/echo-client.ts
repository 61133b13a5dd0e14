// Asks an address `count` times, one connection (or datagram) after another, and prints the answers or error codes as JSON.
// udp-flow sends every datagram from one port, as one flow; a line on stdin lets the next datagram go.
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

const [protocol = 'tcp', address = '', port = '0', count = '1'] = process.argv.slice(2)
const PATIENCE_MILLISECONDS = 2_000

function overTcp(): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host: address, port: Number(port), timeout: PATIENCE_MILLISECONDS })
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('timeout', () => socket.destroy(Object.assign(new Error('no answer'), { code: 'TIMEOUT' })))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('end', () => resolve(text))
  })
}

function overUdp(socket: ReturnType<typeof createSocket>): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('TIMEOUT'), PATIENCE_MILLISECONDS)
    socket.once('message', (message) => {
      clearTimeout(timer)
      resolve(message.toString())
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      resolve(error.code ?? error.message)
    })
    socket.send('?', Number(port), address)
  })
}

if (protocol === 'udp-flow') {
  const socket = createSocket('udp4')
  for await (const _ of createInterface({ input: process.stdin })) console.log(await overUdp(socket))
  socket.close()
} else {
  const answers: string[] = []
  for (let asked = 0; asked < Number(count); asked += 1) {
    if (protocol === 'tcp') answers.push(await overTcp())
    else {
      const socket = createSocket('udp4')
      answers.push(await overUdp(socket))
      socket.close()
    }
  }
  console.log(JSON.stringify(answers))
}
