import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A door before a server on loopback, at an address of its own: it can be shut, opened, and lead to another server. */
export interface TcpGate {
  readonly port: number
  /** Breaks every connection, and refuses those that come. */
  shut(): void
  open(to?: number): void
  close(): void
}

/** @param from the address of this machine that the server sees connections come from */
export async function tcpGate(target: number, from = '127.0.0.1'): Promise<TcpGate> {
  let to = target
  let isOpen = true
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    if (!isOpen) return near.destroy()
    const far = connect({ port: to, host: '127.0.0.1', localAddress: from })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
      // What breaks is closed, which is all that matters here.
      socket.on('error', () => {})
    }
    near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const shut = () => {
    isOpen = false
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: address.port,
    shut,
    open(another = to) {
      to = another
      isOpen = true
    },
    close() {
      shut()
      server.close()
    },
  }
}
