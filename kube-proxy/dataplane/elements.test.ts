import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { on, virtualServer } from '../../test/harness/dataplane-lab.ts'
import { chainText } from './chains.ts'
import { elementsOf } from './elements.ts'
import { slotsOf } from './slots.ts'

const backend = (index: number) => ({ address: `10.244.${index >> 8}.${index & 255}`, port: 8080 })
const [one, two] = [{ address: '10.244.1.1' }, { address: '10.244.1.2' }]

describe('the numbers of backends', () => {
  it('are their own, whoever else is there and in whatever order', () => {
    const numbers = new Map(slotsOf([backend(1), backend(2), backend(3)]).map(({ slot, backend: { address } }) => [address, slot]))
    for (const { slot, backend: each } of slotsOf([backend(3), backend(1)])) assert.equal(numbers.get(each.address), slot)
  })

  it('differ, fit into 32 bits, and are never nobody’s', () => {
    const all = slotsOf(Array.from({ length: 5_000 }, (_, index) => backend(index)))
    assert.equal(new Set(all.map(({ slot }) => slot)).size, 5_000)
    assert.ok(all.every(({ slot }) => Number.isInteger(slot) && slot > 0 && slot < 2 ** 32))
  })
})

describe('the elements of a Service', () => {
  const keys = (container: ReadonlyMap<string, string>) => [...container.keys()]

  it('give clients outside backends of their own only where policy keeps their address', () => {
    const web = { externalAddresses: ['198.51.100.7'], nodePort: undefined }
    const { values } = elementsOf([virtualServer({ ...web, ...on(one, two) })])
    assert.deepEqual([...values.externals], [['198.51.100.7 . tcp . 80', 'goto random_outside_2']])
    assert.equal(keys(values.endpoints).length, 4)
    const local = elementsOf([virtualServer({ ...web, ...on(one, two), keepsClientAddress: true, externalBackends: on(one).backends })])
    assert.deepEqual([...local.values.externals.values()], ['goto random_kept_1'])
    assert.equal(local.values.endpoints.get('198.51.100.7 . tcp . 80 . 65536'), '10.244.1.1 . 8080')
  })

  it('name chains that they bring along, each once', () => {
    const sticky = virtualServer({ affinitySeconds: 30, ...on(one, two) })
    const { chains, values } = elementsOf([sticky, { ...sticky, port: 81, nodePort: 30081 }])
    assert.deepEqual([...chains.keys()].sort(), [
      ...['remember_30', 'remember_node_30', 'sticky_inside_2', 'sticky_node_inside_2', 'sticky_node_outside_2'],
    ])
    const named = new Set(Object.values(values).flatMap((each) => [...each.values()].filter((value) => value.startsWith('goto '))))
    for (const name of named) assert.ok(chains.has(name.slice('goto '.length)), name)
    for (const [name, chain] of chains) assert.match(chainText({ table: 't', family: 'IPv4' }, chain), new RegExp(`chain ${name} \\{`))
  })

  it('have of source ranges the widest, written as the range they mean', () => {
    const sources = ['10.1.2.3/8', '10.1.0.0/16', '192.0.2.0/24', '192.0.2.0/24', 'nonsense', '2001:db8::/32']
    const { values } = elementsOf([virtualServer({ restricted: { addresses: ['198.51.100.7'], sources } })])
    assert.deepEqual(keys(values.allowed), ['198.51.100.7 . tcp . 80 . 10.0.0.0/8', '198.51.100.7 . tcp . 80 . 192.0.2.0/24'])
  })
})
