import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { NetworkLab } from '../../test/harness/network-lab.ts'
import { forwardSix } from './forwarding.ts'

const lab = new NetworkLab(31)
after(() => lab.close())

it('a machine that begins to forward keeps the way that its router told it of', async () => {
  const host = await lab.node('172.31.79.1')
  await host.run(['ip', 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'far0'])
  for (const link of ['up0', 'far0']) await host.run(['ip', 'link', 'set', link, 'up'])
  await host.run(['ip', '-6', 'route', 'add', 'default', 'via', 'fe80::1', 'dev', 'up0', 'proto', 'ra'])
  const says = async (name: string) => (await host.run(['sysctl', '-n', `net.ipv6.conf.${name}`])).trim()
  assert.equal(await says('all.forwarding'), '0')
  await forwardSix(host.run)
  assert.deepEqual([await says('all.forwarding'), await says('up0.accept_ra'), await says('far0.accept_ra')], ['1', '2', '1'])
  await host.run(['sysctl', '-qw', 'net.ipv6.conf.up0.accept_ra=1'])
  await forwardSix(host.run)
  assert.equal(await says('up0.accept_ra'), '1', 'somebody who has it so is left alone')
})
