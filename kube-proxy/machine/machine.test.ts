import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { featureText, KERNEL_FEATURES } from '../../shared/machine/kernel-features.ts'
import { CLUSTER, on, PLACE, virtualServer } from '../../test/harness/dataplane-lab.ts'
import { type LabHost, NetworkLab } from '../../test/harness/network-lab.ts'
import { AddressHolder } from '../announcements/address-holder.ts'
import { announcementTable } from '../announcements/announcements.ts'
import { NftablesDataplane } from '../dataplane/nftables.ts'
import type { RunNft } from '../dataplane/run-nft.ts'
import { NodeRoutes } from '../routes/node-routes.ts'
import { kernelProblem } from './check-kernel.ts'
import { cleanUp } from './cleanup.ts'
import { foreignConflicts } from './foreign-rules.ts'
import { inspectMachine } from './inspect.ts'

const RULES = { table: 'coxswain', ...CLUSTER }
const OURS = { table: 'coxswain', policyTable: 'coxswain-policy', overlayDevice: 'cx-vxlan' }

describe('the machine that a proxy works on', () => {
  const lab = new NetworkLab(5)
  let node: LabHost
  const nft: RunNft = (args, input) => node.run(['nft', ...args], input)
  before(async () => {
    node = await lab.node('172.31.79.1')
    await lab.outsider(node, 'out', '172.31.79.2')
  })
  after(() => lab.close())

  it('takes all rules, also where an older version left a table of the same name, and is not changed by the question', async () => {
    await nft(['-f', '-'], 'table ip coxswain {\n map services { type ipv4_addr : verdict; }\n}\n')
    const before = await nft(['list', 'ruleset'])
    assert.equal(await kernelProblem(nft, RULES), undefined)
    assert.equal(await nft(['list', 'ruleset']), before)
    await nft(['delete', 'table', 'ip', 'coxswain'])
  })

  it('takes the rule of each feature by itself, for that is how make doctor and the sentence about what is missing find it', async () => {
    for (const each of KERNEL_FEATURES) await nft(['-c', '-f', '-'], featureText(each))
  })

  it('is said to lack what it lacks', async () => {
    const without =
      (words: RegExp): RunNft =>
      async (_args, input = '') => {
        if (words.test(input)) throw new Error('Could not process rule: No such file or directory')
        return ''
      }
    assert.match((await kernelProblem(without(/numgen/), RULES)) ?? '', /^the kernel lacks a random endpoint \(nft_numgen\): load or build/)
    assert.match((await kernelProblem(without(/timeout/), RULES)) ?? '', /for session affinity \(nft_set_hash, nft_dynset\)/)
    assert.equal(await kernelProblem(without(/./), RULES), 'Could not process rule: No such file or directory')
  })

  it('has other people’s rules named, with what helps, and nothing said of those that do no harm', async () => {
    assert.deepEqual(await foreignConflicts(nft, CLUSTER.clusterCidr), [])
    await nft(['-f', '-'], 'table ip filter {\n chain FORWARD { type filter hook forward priority filter; policy drop; }\n}\n')
    const said = await foreignConflicts(nft, CLUSTER.clusterCidr)
    assert.deepEqual(
      said.map(({ cure }) => cure),
      ['iptables -I FORWARD -s 10.77.0.0/16 -j ACCEPT; iptables -I FORWARD -d 10.77.0.0/16 -j ACCEPT'],
    )
    await nft(['insert', 'rule', 'ip', 'filter', 'FORWARD', 'ip', 'daddr', CLUSTER.clusterCidr, 'accept'])
    assert.deepEqual(await foreignConflicts(nft, CLUSTER.clusterCidr), [])
    await nft(
      ['-f', '-'],
      'table ip kube-proxy {\n chain services { }\n}\ntable inet firewalld {\n chain f { type filter hook forward priority 10; }\n}\n',
    )
    assert.deepEqual(
      (await foreignConflicts(nft, CLUSTER.clusterCidr)).map(({ what }) => what.split(' is ')[0]?.split(' drops ')[0]),
      ['table ip kube-proxy', 'chain f of table inet firewalld'],
    )
    for (const table of ['ip filter', 'ip kube-proxy', 'inet firewalld']) await nft(['delete', 'table', ...table.split(' ')])
  })

  it('has another proxy named once, however many families there are', async () => {
    await nft(['-f', '-'], 'table ip kube-proxy {\n chain services { }\n}\n')
    const said: unknown[] = []
    const log = { ...silentLogger(), warn: (_message: string, fields?: object) => void said.push(fields) }
    const six = { ...RULES, family: 'IPv6', clusterCidr: 'fd00:77::/56', serviceCidr: 'fd00:78::/112' } as const
    await inspectMachine({ nft, rulesets: [RULES, six], nodePortAddresses: [], log })
    assert.equal(said.length, 1)
    await nft(['delete', 'table', 'ip', 'kube-proxy'])
  })

  it('is as it was after cleaning up, with others’ rules and routes in their places', async () => {
    await nft(['-f', '-'], 'table ip theirs {\n chain c { type nat hook prerouting priority dstnat; }\n}\n')
    const state = async () => [
      await nft(['list', 'ruleset']),
      await node.run(['ip', '-4', 'route', 'show', 'table', 'all']),
      await node.run(['ip', '-4', '-o', 'addr', 'show']),
      await node.run(['ip', '-j', 'link', 'show', 'type', 'vxlan']),
    ]
    const before = await state()
    const plane = new NftablesDataplane(RULES, nft)
    await plane.replace(new Map([['default/web', [virtualServer({ affinitySeconds: 60, ...on({ address: '10.77.1.2' }) })]]]), PLACE)
    const way = { run: node.run, clusterCidr: CLUSTER.clusterCidr, overlay: 'auto', device: OURS.overlayDevice, port: 8472 } as const
    const others = [
      { range: '10.77.2.0/24', via: '172.31.79.2' },
      { range: '10.77.3.0/24', via: '172.31.200.3' },
    ]
    await new NodeRoutes({ ...way, ownRange: () => '10.77.1.0/24' }).apply(others)
    // Of a cluster that has both families, there is one for IPv6 too.
    await node.run(['ip', 'link', 'add', `${OURS.overlayDevice}6`, 'type', 'vxlan', 'id', '1', 'dstport', '8473', 'local', '::1'])
    const holder = new AddressHolder(node.run, announcementTable('coxswain'))
    await holder.begin()
    assert.equal((await holder.hold(new Set(['172.31.79.200']))).added.size, 1)
    assert.notDeepEqual(await state(), before)
    await cleanUp(node.run, OURS)
    assert.deepEqual(await state(), before)
    await cleanUp(node.run, OURS)
    assert.deepEqual(await state(), before, 'twice is as good as once')
  })
})
