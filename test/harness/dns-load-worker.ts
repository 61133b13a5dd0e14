// Asks a DNS server on this machine for one name, again and again: a process of its own, so that what asking costs is not the server's.
import { createSocket } from 'node:dgram'
import { encode } from 'dns-packet'

export interface DnsLoad {
  port: number
  name: string
  count: number
  /** Questions on their way at a time. */
  window: number
}

/** Milliseconds that one question took: median and 99th percentile. */
export interface DnsLoadResult {
  median: number
  slow: number
}

/** One that is lost does not end the measurement. */
const LOST_MILLISECONDS = 500

process.once('message', (load: DnsLoad) => {
  const { port, name, count, window } = load
  const socket = createSocket('udp4')
  const query = encode({ type: 'query', id: 0, flags: 256, questions: [{ type: 'A', name }] })
  const sent = new Float64Array(0x1_0000)
  const took: number[] = []
  let asked = 0
  let heard = performance.now()
  const ask = () => {
    const id = asked++ & 0xffff
    query.writeUInt16BE(id, 0)
    sent[id] = performance.now()
    socket.send(Buffer.from(query))
  }
  socket.on('message', (answer) => {
    heard = performance.now()
    took.push(heard - sent[answer.readUInt16BE(0)]!)
    if (took.length < count) return ask()
    took.sort((left, right) => left - right)
    process.send?.({ median: took[count >> 1]!, slow: took[Math.floor(count * 0.99)]! } satisfies DnsLoadResult)
    process.exit(0)
  })
  socket.connect(port, '127.0.0.1', () => {
    for (let left = window; left > 0; left -= 1) ask()
  })
  setInterval(() => performance.now() - heard > LOST_MILLISECONDS && ask(), LOST_MILLISECONDS)
})
