import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { podMtu } from '../../shared/pods/overlay.ts'
import { type LabHost, NetworkLab } from '../../test/harness/network-lab.ts'
import { NodeRoutes } from './node-routes.ts'
import { hardwareAddress, waysTo } from './way.ts'

const CLUSTER = '10.77.0.0/16'
const range = (number: number) => `10.77.${number}.0/24`

it('peers on a link of ours by route, others wrapped, unless one of them is asked for', () => {
  const routes = [
    { range: range(2), via: '172.31.1.2' },
    { range: range(3), via: '172.31.2.3' },
  ]
  const wrapped = (overlay: 'auto' | 'vxlan' | 'direct') =>
    waysTo(routes, ['172.31.1.1/24', 'nonsense'], overlay).map(({ isWrapped }) => isWrapped)
  assert.deepEqual(
    [wrapped('auto'), wrapped('vxlan'), wrapped('direct')],
    [
      [false, true],
      [true, true],
      [false, false],
    ],
  )
  assert.equal(hardwareAddress('10.244.17.0/24'), '0a:58:0a:f4:11:00')
  assert.deepEqual([podMtu(1_500, 'auto'), podMtu(1_500, 'vxlan'), podMtu(1_500, 'direct')], [1_450, 1_450, 1_500])
})

describe('three nodes on two links, with a router between that knows nothing of pods', () => {
  const lab = new NetworkLab(13)
  const nodes: { host: LabHost; routes: NodeRoutes }[] = []
  const pods: LabHost[] = []
  let addresses = ['172.31.91.1', '172.31.91.2', '172.31.92.3']

  const makeRoutes = (host: LabHost, number: number, overlay: 'auto' | 'direct' = 'auto', port = 8472) =>
    new NodeRoutes({ run: host.run, clusterCidr: CLUSTER, overlay, device: 'cx-vxlan', port, ownRange: () => range(number) })
  /** What the API says of the others. */
  const peers = (own: number, without: readonly number[] = []) =>
    [1, 2, 3]
      .filter((each) => each !== own && !without.includes(each))
      .map((each) => ({ range: range(each), via: addresses[each - 1] ?? '' }))
  const applyAll = async () => void (await Promise.all(nodes.map(({ routes }, index) => routes.apply(peers(index + 1)))))
  async function everybodyReachesEverybody(): Promise<void> {
    for (const from of pods) {
      for (const to of pods) {
        if (to === from) continue
        assert.deepEqual(await from.ask('tcp', to.address, 8080), [`${to.name} ${from.address}`], `${from.name} → ${to.name}`)
      }
    }
  }
  const shown = async (index: number, ...what: string[]) => (await nodes[index]?.host.run(['ip', ...what])) ?? ''

  before(async () => {
    assert.equal(process.getuid?.(), 0, 'network tests make namespaces and need root')
    const router = await lab.node('172.31.91.254', 'router')
    const far = await lab.node('172.31.92.3', 'n3')
    const [one, two] = [await lab.node('172.31.91.1', 'n1'), await lab.node('172.31.91.2', 'n2')]
    // The first link is a bridge on the router.
    await router.run(['ip', 'link', 'add', 'lan', 'type', 'bridge'])
    await router.run(['ip', 'addr', 'add', '172.31.91.254/24', 'dev', 'lan'])
    await router.run(['ip', 'link', 'set', 'lan', 'up'])
    for (const host of [one, two]) {
      await lab.link(host, `${host.address}/24`, router, '0.0.0.0/32')
      await router.run(['ip', 'link', 'set', host.name, 'master', 'lan'])
      await host.run(['ip', 'route', 'add', 'default', 'via', '172.31.91.254'])
    }
    await lab.link(far, '172.31.92.3/24', router, '172.31.92.254/24')
    await far.run(['ip', 'route', 'add', 'default', 'via', '172.31.92.254'])
    for (const [index, host] of [one, two, far].entries()) {
      nodes.push({ host, routes: makeRoutes(host, index + 1) })
      const pod = await lab.pod(host, `p${index + 1}`, `10.77.${index + 1}.5`)
      await pod.serve()
      pods.push(pod)
    }
    await applyAll()
  })
  after(() => lab.close())

  it('every pod reaches every other, with its own address', async () => {
    await everybodyReachesEverybody()
    assert.match(await shown(0, 'route', 'show', range(2)), /via 172\.31\.91\.2 dev router proto 67/)
    assert.match(await shown(0, 'route', 'show', range(3)), /via 10\.77\.3\.0 dev cx-vxlan proto 67 onlink/)
    assert.match(await shown(0, 'link', 'show', 'cx-vxlan'), /mtu 1450/)
    assert.match(await shown(0, 'route', 'show', 'type', 'blackhole'), /10\.77\.0\.0\/16/)
  })

  it('nodes reach pods beyond the link, too', async () => {
    assert.deepEqual(await nodes[0]?.host.ask('tcp', pods[2]?.address ?? '', 8080), ['p3 10.77.1.0'])
  })

  it('routes that a link took with it come back', async () => {
    const host = nodes[0]?.host
    await host?.run(['ip', 'link', 'set', 'router', 'down'])
    await host?.run(['ip', 'link', 'set', 'router', 'up'])
    await host?.run(['ip', 'route', 'add', 'default', 'via', '172.31.91.254'])
    assert.equal(await shown(0, 'route', 'show', range(2)), '')
    await applyAll()
    await everybodyReachesEverybody()
  })

  it('a node that gets another address is reached there', async () => {
    const host = nodes[2]?.host
    await host?.run(['ip', 'addr', 'del', '172.31.92.3/24', 'dev', 'router'])
    await host?.run(['ip', 'addr', 'add', '172.31.92.9/24', 'dev', 'router'])
    await host?.run(['ip', 'route', 'replace', 'default', 'via', '172.31.92.254'])
    addresses = [addresses[0] ?? '', addresses[1] ?? '', '172.31.92.9']
    await applyAll()
    await everybodyReachesEverybody()
  })

  it('a new process takes over, and what nobody needs goes', async () => {
    const { host } = nodes[0] ?? assert.fail()
    const successor = makeRoutes(host, 1)
    await successor.apply(peers(1))
    await everybodyReachesEverybody()
    await successor.apply(peers(1, [3]))
    assert.equal(await shown(0, 'route', 'show', range(3)), '')
    assert.equal(await shown(0, 'link', 'show', 'type', 'vxlan'), '')
    assert.match(await shown(0, 'route', 'show', range(2)), /via 172\.31\.91\.2/)
    assert.notDeepEqual(await pods[0]?.ask('tcp', pods[2]?.address ?? '', 8080), ['p3 10.77.1.5'])
    await successor.apply(peers(1))
    await everybodyReachesEverybody()
  })

  it('another UDP port is another interface, on all nodes', async () => {
    const changed = nodes.map(({ host }, index) => makeRoutes(host, index + 1, 'auto', 4789))
    await Promise.all(changed.map((routes, index) => routes.apply(peers(index + 1))))
    await everybodyReachesEverybody()
    assert.match(await shown(2, '-d', 'link', 'show', 'cx-vxlan'), /dstport 4789/)
    await applyAll()
    await everybodyReachesEverybody()
  })

  it('says what the kernel says where a route is asked for and the link is not shared; the others are reached', async () => {
    const { host } = nodes[1] ?? assert.fail()
    await host.run(['ip', 'route', 'del', range(1), 'proto', '67'])
    await assert.rejects(makeRoutes(host, 2, 'direct').apply([...peers(2, [1]), ...peers(2, [3])]), (error: Error) => {
      assert.match(error.message, /^10\.77\.3\.0\/24: .*172\.31\.92\.9/)
      return true
    })
    assert.match(await shown(1, 'route', 'show', range(1)), /via 172\.31\.91\.1/)
  })
})
