// A pod of policy tests: answers its name on the given ports over TCP (line by line, as long as the connection lasts) and UDP, and asks
// others when told so. Its own address is given because a host with several might use another. A line on stdin is a JSON command, a line on
// stdout its answer. Prints READY.
import { createSocket } from 'node:dgram'
import { connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

type Command = { probe: [protocol: string, address: string, port: number][] } | { open: [address: string, port: number] } | { say: string }

const PATIENCE_MILLISECONDS = 800
const [name = 'nameless', own = '', ...ports] = process.argv.slice(2)
const DATAGRAMS = own.includes(':') ? 'udp6' : 'udp4'

for (const port of ports.map(Number)) {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', () => socket.write(`${name}\n`))
  })
  await new Promise<void>((resolve) => server.listen(port, own.includes(':') ? '::' : '0.0.0.0', resolve))
  const udp = createSocket(DATAGRAMS).on('message', (_message, from) => udp.send(name, from.port, from.address))
  await new Promise<void>((resolve) => udp.bind(port, own, resolve))
}

function overTcp(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, localAddress: own })
    const end = (answer: string) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => end(''), PATIENCE_MILLISECONDS)
    socket.once('connect', () => socket.write('?\n'))
    socket.once('data', (data) => end(data.toString().trim()))
    socket.once('error', () => end(''))
  })
}

function overUdp(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(DATAGRAMS)
    const end = (answer: string) => {
      clearTimeout(timer)
      socket.close()
      resolve(answer)
    }
    const timer = setTimeout(() => end(''), PATIENCE_MILLISECONDS)
    socket.once('message', (message) => end(message.toString()))
    socket.on('error', () => end(''))
    socket.bind(0, own, () => socket.send('?', port, address))
  })
}

let kept: Socket | undefined
async function carryOut(command: Command): Promise<unknown> {
  if ('probe' in command) {
    return await Promise.all(
      command.probe.map(([protocol, address, port]) => (protocol === 'UDP' ? overUdp(address, port) : overTcp(address, port))),
    )
  }
  if ('open' in command) {
    const [address, port] = command.open
    kept = connect({ host: address, port })
    await new Promise((resolve, reject) => kept?.once('connect', resolve).once('error', reject))
    return 'open'
  }
  kept?.write(`${command.say}\n`)
  return await new Promise((resolve) => kept?.once('data', (data) => resolve(data.toString().trim())))
}

console.log('READY')
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await carryOut(JSON.parse(line) as Command)))
}
process.exit()
