import { encode } from 'dns-packet'
import { createOutside } from '../../../dns/create-outside.ts'
import { Resolver } from '../../../dns/resolver.ts'
import { Zone } from '../../../dns/zone.ts'
import { silentLogger } from '../../../shared/logging/logger.ts'
import { seededRandom } from '../../../shared/random/random.ts'
import { realClock } from '../../../shared/time/clock.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const zone = new Zone('cluster.local', {
  service: () => undefined,
  slices: () => [],
  serviceOfAddress: () => undefined,
  slicesOfAddress: () => [],
  hasNamespace: (name) => name === 'default',
})
const tools = { clock: realClock(), random: seededRandom(1), log: silentLogger() }
// Nobody outside is asked: there is no such file.
const outside = createOutside({ domain: 'cluster.local', own: [], resolvConf: '/nonexistent/resolv.conf' }, tools)
const resolver = new Resolver({ zone, outside, ...tools })
const question = (name: string, type: 'A' | 'SRV' | 'PTR' | 'AAAA' | 'ANY') =>
  encode({ type: 'query', id: 7, flags: 256, questions: [{ type: type as 'A', name }] })

/** DNS messages: every one is answered or dropped. */
const target: FuzzTarget = {
  seeds: [
    question('web.default.svc.cluster.local', 'A'),
    question('_http._tcp.web.default.svc.cluster.local', 'SRV'),
    question('1.0.96.10.in-addr.arpa', 'PTR'),
    encode({
      type: 'query',
      id: 1,
      questions: [{ type: 'A', name: 'a.cluster.local' }],
      additionals: [
        { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, extendedRcode: 0, ednsVersion: 0, flag_do: false, options: [] },
      ],
    }),
    encode({ type: 'response', id: 1, answers: [{ type: 'TXT', name: 'a', data: 'x' }] }),
  ],
  words: [
    Buffer.from('c00c', 'hex'),
    Buffer.from('c000', 'hex'),
    Buffer.from('07636c7573746572056c6f63616c00', 'hex'),
    Buffer.from('00290fa0', 'hex'),
    Buffer.from('0000ffff', 'hex'),
  ],
  async run(input) {
    await resolver.answer(input, false)
    await resolver.answer(input, true)
  },
  isExpected: () => false,
}
export default target
