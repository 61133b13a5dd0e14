import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../shared/random/random.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import { PortRange } from './port-range.ts'

const random = seededRandom(7)

describe('node ports', () => {
  it('are all given before there are none, low ones last, and never one that another protocol has', () => {
    const range = new PortRange(30000, 30099)
    range.take(30050, 'UDP', random)
    const given = Array.from({ length: 99 }, () => range.take(undefined, 'TCP', random))
    assert.equal(new Set(given).size, 99)
    assert.equal(given.includes(30050), false)
    assert.ok(Math.min(...given.slice(0, 60)) >= 30016)
    assert.throws(() => range.take(undefined, 'TCP', random), /range is full/)
    range.release(30020, 'TCP')
    assert.equal(range.take(undefined, 'TCP', random), 30020)
  })

  it('may be one number for two protocols when it is asked for', () => {
    const range = new PortRange(30000, 32767)
    assert.equal(range.take(30053, 'UDP', random), 30053)
    assert.equal(range.take(30053, 'TCP', random), 30053)
    assert.throws(() => range.take(30053, 'TCP', random), /^AllocationError: provided port is already allocated$/)
  })

  for (const port of [29999, 32768, 80, 0, -1]) {
    it(`outside the range are refused: ${port}`, () => {
      assert.throws(() => new PortRange(30000, 32767).take(port, 'TCP', random), /The range of valid ports is 30000-32767/)
    })
  }

  it('follow the stored Services', () => {
    const reader = new TestReader()
    const put = (nodePort: number, protocol?: string) =>
      reader.put('v1', 'Service', {
        metadata: { namespace: 'default', name: 'web' },
        spec: { ports: [{ port: 80, nodePort, ...(protocol ? { protocol } : {}) }] },
      })
    put(30001)
    const range = new PortRange(30000, 32767)
    range.follow(reader)
    assert.throws(() => range.take(30001, 'TCP', random), /already allocated/)
    put(30002, 'UDP')
    assert.equal(range.take(30001, 'TCP', random), 30001)
    assert.throws(() => range.take(30002, 'UDP', random), /already allocated/)
    reader.remove('v1', 'Service', 'default/web')
    assert.equal(range.take(30002, 'UDP', random), 30002)
  })

  it('need a range', () => {
    for (const [first, last] of [
      [2, 1],
      [0, 10],
      [1, 65536],
      [Number.NaN, 5],
    ] as const)
      assert.throws(() => new PortRange(first, last), /no range of ports/)
  })
})
