// For tests of speed: on the first port it sends so many bytes to whoever connects, on the next it takes as many and then says so. Prints READY.
import { createServer } from 'node:net'

const [port, bytes] = process.argv.slice(2).map(Number) as [number, number]
const sender = createServer((socket) => socket.on('error', () => socket.destroy()).end(Buffer.alloc(bytes)))
const taker = createServer((socket) => {
  let left = bytes
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    left -= chunk.length
    if (left <= 0) socket.end('taken')
  })
})
sender.listen(port, '0.0.0.0', () => taker.listen(port + 1, '0.0.0.0', () => console.log('READY')))
