import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cniLab } from '../../test/harness/cni-lab.ts'
import { NetworkLab } from '../../test/harness/network-lab.ts'

const SERVER = fileURLToPath(new URL('../../test/harness/echo-server.ts', import.meta.url))
const lab = new NetworkLab(32)
after(() => lab.close())

it('a pod of a node with a range of each family has an address of each, and others reach it at both', async (t) => {
  const node = await lab.node('172.31.79.1')
  const cni = await cniLab(lab, node, ['10.88.1.0/24', 'fd00:10:88:1::/64'])
  t.after(() => cni.close())
  const [one, two] = [await cni.wire('one'), await cni.wire('two')]
  const [four = '', six = ''] = (await cni.network.addresses('one')) ?? []
  assert.match(four, /^10\.88\.1\.\d+$/)
  assert.match(six, /^fd00:10:88:1::/)
  assert.equal(one.address, four, 'the family of the first range is the primary one')
  await node.run(['sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1'])
  await one.serve(8081)
  const six80 = one.start(SERVER, 'one', '8082', '::')
  await once(six80.stdout, 'data')
  assert.deepEqual(await two.ask('tcp', four, 8081), [`one ${two.address}`])
  assert.match((await two.ask('tcp', six, 8082))[0] ?? '', /^one fd00:10:88:1::/)
  await cni.network.detach('one', undefined)
  assert.equal(await cni.network.addresses('one'), undefined)
})
