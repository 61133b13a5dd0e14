import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { TestReader } from '../../test/harness/object-reader.ts'
import { silentLogger } from '../logging/logger.ts'
import { keepPodRoutes } from './keep-pod-routes.ts'

function scene(failing: (line: string) => boolean = () => false) {
  const reader = new TestReader()
  const lines: string[] = []
  const ip = async (args: readonly string[]) => {
    const line = args.join(' ')
    lines.push(line)
    if (failing(line)) throw new Error('no')
  }
  const end = keepPodRoutes({
    follow: (listener) => reader.follow('v1', 'Node', listener),
    ranges: ['10.244.0.0/16'],
    ip,
    log: silentLogger(),
  })
  const node = (name: string, podCIDR: string | undefined, address: string) =>
    reader.put('v1', 'Node', {
      metadata: { name },
      spec: { podCIDR },
      status: { addresses: [{ type: 'InternalIP', address }] },
    })
  return { reader, lines, end, node }
}

test('each node with a range and an address gets a route; pods of no node lead nowhere', async () => {
  const { lines, node } = scene()
  node('a', undefined, '10.0.0.1')
  node('a', '10.244.0.0/24', '10.0.0.1')
  node('a', '10.244.0.0/24', '10.0.0.1')
  node('b', '10.244.1.0/24', '10.0.0.2')
  node('six', 'fd00::/64', '10.0.0.3')
  await setImmediate()
  assert.deepEqual(lines, [
    'route replace blackhole 10.244.0.0/16 metric 4000',
    'route replace 10.244.0.0/24 via 10.0.0.1',
    'route replace 10.244.1.0/24 via 10.0.0.2',
  ])
})

test('a node that moves takes its route along, one that goes loses it', async () => {
  const { reader, lines, node } = scene()
  node('a', '10.244.0.0/24', '10.0.0.1')
  await setImmediate()
  node('a', '10.244.0.0/24', '10.0.0.9')
  await setImmediate()
  reader.remove('v1', 'Node', 'a')
  await setImmediate()
  assert.deepEqual(lines.slice(1), [
    'route replace 10.244.0.0/24 via 10.0.0.1',
    'route replace 10.244.0.0/24 via 10.0.0.9',
    'route del 10.244.0.0/24',
  ])
})

test('a route that failed is tried again with the next news of its node', async () => {
  let broken = true
  const { lines, node } = scene((line) => broken && line.includes('via'))
  node('a', '10.244.0.0/24', '10.0.0.1')
  await setImmediate()
  broken = false
  node('a', '10.244.0.0/24', '10.0.0.1')
  node('a', '10.244.0.0/24', '10.0.0.1')
  await setImmediate()
  assert.equal(lines.filter((line) => line.includes('via')).length, 2)
})

test('a node draws nothing that is not for its pods', async () => {
  const { lines, node } = scene()
  node('a', '10.244.1.0/24', '10.0.0.1')
  await setImmediate()
  node('b', '0.0.0.0/0', '10.0.0.2')
  node('c', '10.244.1.128/25', '10.0.0.3')
  node('d', '10.96.0.0/16', '10.0.0.4')
  await setImmediate()
  assert.deepEqual(lines.slice(1), ['route replace 10.244.1.0/24 via 10.0.0.1'])
})

test('after its end it does nothing more', async () => {
  const { lines, end, node } = scene()
  end()
  node('a', '10.244.0.0/24', '10.0.0.1')
  await setImmediate()
  assert.deepEqual(lines, ['route replace blackhole 10.244.0.0/16 metric 4000'])
})
