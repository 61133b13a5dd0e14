import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { realClock } from '../../shared/time/clock.ts'
import { type CniLab, cniLab } from '../../test/harness/cni-lab.ts'
import { type LabHost, NetworkLab } from '../../test/harness/network-lab.ts'
import { bandwidthOf, limitBandwidth } from './bandwidth.ts'

const podWith = (annotations?: Record<string, string>) => ({
  ...{ apiVersion: 'v1' as const, kind: 'Pod' as const, spec: { containers: [] }, status: {} },
  metadata: { name: 'p', ...(annotations ? { annotations } : {}) },
})
const [INGRESS, EGRESS] = ['kubernetes.io/ingress-bandwidth', 'kubernetes.io/egress-bandwidth']

describe('what a pod’s annotations allow it', () => {
  it('is bits per second in each direction', () => {
    assert.equal(bandwidthOf(podWith()), undefined)
    assert.equal(bandwidthOf(podWith({ other: '1M' })), undefined)
    assert.deepEqual(bandwidthOf(podWith({ [INGRESS]: '10M' })), { ingress: 10_000_000 })
    assert.deepEqual(bandwidthOf(podWith({ [INGRESS]: '1P', [EGRESS]: '1Ki' })), { ingress: 1e15, egress: 1024 })
  })
  for (const [text, why] of [
    ['fast', 'is no quantity'],
    ['', 'is no quantity'],
    ['999', 'is less than 1k'],
    ['-1M', 'is less than 1k'],
    ['1001T', 'is more than 1P'],
  ] as const) {
    it(`${JSON.stringify(text)} ${why}, which is said with the annotation`, () => {
      assert.throws(
        () => bandwidthOf(podWith({ [EGRESS]: text })),
        new RegExp(`^Error: annotation ${EGRESS}: ${JSON.stringify(text)} ${why}; write`),
      )
    })
  }
})

it('a machine without what it takes refuses, and says what that is', async () => {
  const lacking = limitBandwidth(
    { egress: 1_000_000 },
    { netns: '/run/netns/x', name: 'eth0' },
    async () => {
      throw new Error('Error: Specified qdisc kind is unknown.')
    },
    new AbortController().signal,
  )
  await assert.rejects(lacking, /sch_tbf.*remove kubernetes\.io\/ingress-bandwidth.*qdisc kind is unknown/)
})

describe('pods with bounds', () => {
  const BYTES = 400_000
  /** Bits per second: the bytes beyond the first 65,536 take at least two thirds of a second. */
  const RATE = 4_000_000
  const LEAST_MILLISECONDS = (((BYTES - 65_536) * 8) / RATE) * 1_000
  const clock = realClock()
  const lab = new NetworkLab(19)
  let node: LabHost
  let wired: CniLab

  async function pod(name: string, bandwidth: { ingress?: number; egress?: number }): Promise<string> {
    const host = await wired.wire(name, { bandwidth })
    await once(
      host.start(fileURLToPath(new URL('../../test/harness/byte-server.ts', import.meta.url)), '9000', String(BYTES)).stdout,
      'data',
    )
    return host.address
  }
  /** Milliseconds that the bytes take from the pod to its node, and from the node to the pod. */
  async function times(address: string): Promise<{ sent: number; got: number }> {
    const timed = async (script: string, expected: RegExp) => {
      const began = clock.monotonic()
      assert.match(await node.run(['bash', '-c', script, 'bash', address]), expected)
      return clock.monotonic() - began
    }
    const sent = await timed('wc -c < /dev/tcp/$1/9000', new RegExp(`^${BYTES}\n$`))
    const got = await timed(`exec 3<>/dev/tcp/$1/9001; head -c ${BYTES} /dev/zero >&3; cat <&3`, /^taken$/)
    return { sent, got }
  }

  before(async () => {
    node = await lab.node('172.31.84.1')
    wired = await cniLab(lab, node)
  })
  after(async () => {
    await lab.close()
    wired.close()
  })

  it('send no faster than they may, and get as fast as it goes', async () => {
    const { sent, got } = await times(await pod('sender', { egress: RATE }))
    assert.ok(sent >= LEAST_MILLISECONDS, `${sent} ms`)
    assert.ok(got < sent / 2, `${got} ms of ${sent} ms`)
  })

  it('get no faster than they may, and send as fast as it goes', async () => {
    const { sent, got } = await times(await pod('taker', { ingress: RATE }))
    assert.ok(got >= LEAST_MILLISECONDS, `${got} ms`)
    assert.ok(sent < got / 2, `${sent} ms of ${got} ms`)
  })
})
