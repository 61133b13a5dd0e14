import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { doorsOf, newPorts } from './doors.ts'
import { requireFreePorts } from './free-ports.ts'

const nothing = { loadBalancerPool: [], httpPort: 0, httpsPort: 0 }

test('what is not said stays as it was, at first the usual ports and no addresses', () => {
  assert.deepEqual(doorsOf(nothing), { httpPort: 80, httpsPort: 443, pool: [] })
  const before = doorsOf({ loadBalancerPool: ['192.0.2.240/28', '192.0.2.1-192.0.2.9'], httpPort: 8080, httpsPort: 8443 })
  assert.deepEqual(doorsOf(nothing, before), before)
  assert.deepEqual(doorsOf({ ...nothing, httpPort: 81 }, before), { ...before, httpPort: 81 })
})

test('an upgrade asks for the ports that are new: all of a server that had none', () => {
  const before = doorsOf(nothing)
  assert.deepEqual(newPorts(before, before), {})
  assert.deepEqual(newPorts(doorsOf({ ...nothing, httpPort: 81 }, before), before), { '--http-port': 81 })
  assert.deepEqual(newPorts(before, undefined), { '--http-port': 80, '--https-port': 443 })
})

for (const part of ['192.0.2.0', '192.0.2.0/33', '192.0.2.1-', '192.0.2.9-192.0.2.1', '192.0.2.1-9', '1-2-3', 'fd00::/120', '']) {
  test(`${JSON.stringify(part)} is no pool, and is named`, () => {
    assert.throws(() => doorsOf({ ...nothing, loadBalancerPool: [part] }), {
      message: new RegExp(`--load-balancer-pool: ${JSON.stringify(part)} is no range`),
    })
  })
}

test('a port where somebody listens is named with its setting; it is free again afterwards', async (t) => {
  const taken = createServer().listen(0, '0.0.0.0')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  await assert.rejects(requireFreePorts({ '--http-port': port }), { message: `port ${port} of this machine is taken`, cure: /--http-port/ })
  taken.close()
  await once(taken, 'close')
  await requireFreePorts({ '--http-port': port })
  await requireFreePorts({ '--http-port': port })
})
