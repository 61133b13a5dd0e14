// A backend for network tests: answers "<name> <client address>" on one port, over TCP and UDP. Prints READY.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const [name = 'nameless', port = '8080', host = '0.0.0.0'] = process.argv.slice(2)
const tcp = createServer((socket) => socket.on('error', () => socket.destroy()).end(`${name} ${socket.remoteAddress}`))
const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4').on('message', (_message, from) =>
  udp.send(`${name} ${from.address}`, from.port, from.address),
)
tcp.listen(Number(port), host, () => udp.bind(Number(port), host, () => console.log('READY')))
