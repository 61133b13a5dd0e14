import { duplexPair } from 'node:stream'
import { SpdyConnection } from '../../../kubelet/spdy/spdy-connection.ts'
import {
  dataHead,
  FrameReader,
  goAwayFrame,
  pingFrame,
  resetFrame,
  synReplyFrame,
  synStreamFrame,
} from '../../../kubelet/spdy/spdy-frames.ts'
import { HeaderWriter } from '../../../kubelet/spdy/spdy-headers.ts'
import type { Random } from '../../../shared/random/random.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { below } from '../mutate.ts'

const block = await new HeaderWriter().write(new Map([['streamtype', ['stdin']]]))
const frames = (random: Random) => [
  () => synStreamFrame(1 + below(random, 6), random.fraction() < 0.3, block),
  () => synReplyFrame(1 + below(random, 6), false, block),
  () => Buffer.concat([dataHead(1 + below(random, 6), 5, random.fraction() < 0.3), Buffer.from('hello')]),
  () => resetFrame(1 + below(random, 6), 5),
  () => pingFrame(below(random, 6)),
  () => goAwayFrame(below(random, 6)),
]

/** SPDY connections: whatever comes, the connection ends, and so does every stream on it. */
const target: FuzzTarget = {
  seeds: [Buffer.concat([synStreamFrame(1, false, block), dataHead(1, 0, true), pingFrame(1), resetFrame(1, 5)]), goAwayFrame(0)],
  words: [pingFrame(1), resetFrame(1, 5), dataHead(1, 3, false), Buffer.from('80030001', 'hex'), Buffer.from('80030008', 'hex'), block],
  generate: (random) => Buffer.concat(Array.from({ length: 1 + below(random, 12) }, () => frames(random)[below(random, 6)]!())),
  async run(input) {
    const reader = new FrameReader()
    try {
      for (let at = 0; at < input.length; at += 7) for (const _ of reader.push(input.subarray(at, at + 7)));
    } catch (error) {
      if (!isExpected(error)) throw error
    }
    const [client, transport] = duplexPair()
    client.on('error', () => {})
    client.resume()
    const connection = new SpdyConnection(transport)
    const served = connection.serve((stream) => {
      stream.resume()
      stream.write('x')
    })
    client.end(input)
    await served.finally(() => {
      if (connection.size > 0) throw new Error(`${connection.size} streams are left`)
    })
  },
  isExpected,
}
export default target

/** Errors of the protocol and of zlib; a wrong type or an empty stack is ours. */
function isExpected(error: unknown): boolean {
  return error instanceof Error && !(error instanceof TypeError) && !(error instanceof RangeError) && !error.message.includes('are left')
}
