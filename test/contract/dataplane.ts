import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { forgetMisledFlows, udpWays } from '../../kube-proxy/conntrack.ts'
import type { Dataplane } from '../../kube-proxy/dataplane/dataplane.ts'
import type { VirtualServer } from '../../kube-proxy/virtual-server.ts'
import { type LabHost, NetworkLab } from '../harness/network-lab.ts'

const CLUSTER = { clusterCidr: '10.77.0.0/16', serviceCidr: '10.78.0.0/16' }
const ASKED = 40

/** The suite every data plane must pass: real packets between network namespaces. Needs root; says so where it is not. */
export function dataplaneSuite(name: string, create: (host: LabHost, cluster: typeof CLUSTER) => Dataplane): void {
  describe(`data plane: ${name}`, () => {
    const lab = new NetworkLab(1)
    let node: LabHost
    let one: LabHost
    let two: LabHost
    let outside: LabHost
    let plane: Dataplane

    const server = (parts: Partial<VirtualServer> = {}): VirtualServer => ({
      name: 'default/web:http',
      protocol: 'tcp',
      port: 80,
      addresses: ['10.78.0.1'],
      externalAddresses: [],
      nodePort: 30080,
      backends: [],
      externalBackends: [],
      keepsClientAddress: false,
      ...parts,
    })
    const on = (...hosts: LabHost[]) => {
      const backends = hosts.map(({ address }) => ({ address, port: 8080 }))
      return { backends, externalBackends: backends }
    }
    const apply = (service: string, ...servers: VirtualServer[]) => plane.update(new Map([[service, servers]]))
    const names = (answers: string[]) => [...new Set(answers.map((answer) => answer.split(' ')[0]))].sort()

    before(async () => {
      assert.equal(process.getuid?.(), 0, 'network tests make namespaces and need root')
      node = await lab.node('172.31.77.1')
      outside = await lab.outsider(node, 'out', '172.31.77.2')
      one = await lab.pod(node, 'one', '10.77.1.2')
      two = await lab.pod(node, 'two', '10.77.1.3')
      await Promise.all([one.serve(), two.serve()])
      plane = create(node, CLUSTER)
      await plane.replace(new Map())
    })
    after(() => lab.close())

    it('balances over all backends, from a pod, from the node and from outside through the node port', async () => {
      await apply('default/web', server(on(one, two)))
      assert.deepEqual(names(await one.ask('tcp', '10.78.0.1', 80, ASKED)), ['one', 'two'])
      assert.deepEqual(names(await node.ask('tcp', '10.78.0.1', 80, ASKED)), ['one', 'two'])
      assert.deepEqual(names(await outside.ask('tcp', '172.31.77.1', 30080, ASKED)), ['one', 'two'])
      assert.deepEqual(names(await node.ask('tcp', '172.31.77.1', 30080, ASKED)), ['one', 'two'])
    })

    it('lets a backend reach itself through its Service, and keeps the address of other pods', async () => {
      await apply('default/web', server(on(one)))
      assert.deepEqual(names(await one.ask('tcp', '10.78.0.1', 80, 5)), ['one'])
      assert.deepEqual(
        new Set(await two.ask('tcp', '10.78.0.1', 80, 5)),
        new Set([`one ::ffff:${two.address}`, `one ${two.address}`].slice(1)),
      )
    })

    it('moves to other backends at once, and refuses at once when none is left', async () => {
      await apply('default/web', server(on(one)))
      assert.deepEqual(names(await two.ask('tcp', '10.78.0.1', 80, 10)), ['one'])
      await apply('default/web', server(on(two)))
      assert.deepEqual(names(await two.ask('tcp', '10.78.0.1', 80, 10)), ['two'])
      await apply('default/web', server())
      assert.deepEqual(await two.ask('tcp', '10.78.0.1', 80, 2), ['ECONNREFUSED', 'ECONNREFUSED'])
      assert.deepEqual(await node.ask('tcp', '10.78.0.1', 80, 1), ['ECONNREFUSED'])
      await apply('default/web', server(on(one, two)))
      assert.deepEqual(names(await two.ask('tcp', '10.78.0.1', 80, ASKED)), ['one', 'two'])
    })

    it('keeps the client address for external traffic policy Local', async () => {
      await apply('default/web', server({ ...on(one), keepsClientAddress: true }))
      assert.deepEqual(await outside.ask('tcp', '172.31.77.1', 30080, 1), [`one ${outside.address}`])
      await apply('default/web', server(on(one)))
      assert.notDeepEqual(await outside.ask('tcp', '172.31.77.1', 30080, 1), [`one ${outside.address}`])
    })

    it('serves external addresses, from outside and inside, and keeps the client address under policy Local', async () => {
      await outside.run(['ip', 'route', 'add', '198.51.100.0/24', 'via', node.address])
      const external = { externalAddresses: ['198.51.100.7'] }
      await apply('default/web', server({ ...on(one, two), ...external }))
      for (const host of [outside, node, one]) assert.deepEqual(names(await host.ask('tcp', '198.51.100.7', 80, ASKED)), ['one', 'two'])
      assert.notDeepEqual(await outside.ask('tcp', '198.51.100.7', 80, 1), [`one ${outside.address}`])
      await apply('default/web', server({ ...on(one), ...external, keepsClientAddress: true }))
      assert.deepEqual(await outside.ask('tcp', '198.51.100.7', 80, 1), [`one ${outside.address}`])
      // Under policy Local with no endpoint here: nobody from outside, everybody from inside.
      await apply('default/web', server({ ...on(one), ...external, keepsClientAddress: true, externalBackends: [] }))
      assert.deepEqual(await outside.ask('tcp', '198.51.100.7', 80, 1), ['ECONNREFUSED'])
      assert.deepEqual(names(await two.ask('tcp', '198.51.100.7', 80, 3)), ['one'])
      assert.deepEqual(names(await node.ask('tcp', '198.51.100.7', 80, 3)), ['one'])
      await apply('default/web', server(external))
      assert.deepEqual(await outside.ask('tcp', '198.51.100.7', 80, 1), ['ECONNREFUSED'])
      await apply('default/web')
      assert.notDeepEqual(names(await two.ask('tcp', '198.51.100.7', 80, 1)), ['one'])
    })

    it('keeps TCP and UDP on one port number apart', async () => {
      const udp = server({ name: 'default/web:dns', protocol: 'udp', nodePort: undefined, ...on(two) })
      await apply('default/web', server(on(one)), udp)
      assert.deepEqual(names(await one.ask('tcp', '10.78.0.1', 80, 5)), ['one'])
      assert.deepEqual(names(await one.ask('udp', '10.78.0.1', 80, 5)), ['two'])
    })

    it('moves a UDP flow off a removed backend once its flow is forgotten', async () => {
      const before = server({ protocol: 'udp', nodePort: undefined, ...on(one) })
      const now = server({ protocol: 'udp', nodePort: undefined, ...on(two) })
      await apply('default/web', before)
      const flow = node.flow('10.78.0.1', 80)
      assert.match(await flow.ask(), /^one /)
      await apply('default/web', now)
      await forgetMisledFlows(udpWays([before], [now]), node.run)
      assert.match(await flow.ask(), /^two /)
      flow.close()
    })

    it('shares a backend between Services, and keeps it for the one that stays', async () => {
      await apply('default/web', server(on(one)))
      await apply('default/also', server({ name: 'default/also:http', addresses: ['10.78.0.2'], nodePort: 30081, ...on(one) }))
      await apply('default/web')
      assert.deepEqual(names(await one.ask('tcp', '10.78.0.2', 80, 5)), ['one'])
      await apply('default/also')
    })

    it('takes over from a predecessor: replace leaves exactly what is wanted', async () => {
      await apply('default/web', server(on(one)))
      const successor = create(node, CLUSTER)
      await successor.replace(new Map([['default/other', [server({ addresses: ['10.78.0.9'], ...on(two) })]]]))
      plane = successor
      assert.deepEqual(names(await one.ask('tcp', '10.78.0.9', 80, 3)), ['two'])
      assert.notDeepEqual(names(await one.ask('tcp', '10.78.0.1', 80, 1)), ['one'])
      await apply('default/other')
    })

    it('keeps what was applied when a change is refused', async () => {
      await apply('default/web', server(on(one)))
      await assert.rejects(apply('default/bad', server({ addresses: ['not an address'], ...on(one) })))
      assert.deepEqual(names(await two.ask('tcp', '10.78.0.1', 80, 3)), ['one'])
      await apply('default/web', server(on(two)))
      assert.deepEqual(names(await one.ask('tcp', '10.78.0.1', 80, 3)), ['two'])
    })

    it('goes on serving 2,000 Services, and one change of them stays cheap', async () => {
      const many = new Map(
        Array.from({ length: 2_000 }, (_, index) => {
          const address = `10.78.${4 + (index >> 8)}.${index & 255}`
          return [
            `default/s${index}`,
            [server({ name: `default/s${index}:http`, addresses: [address], nodePort: undefined, ...on(one, two) })],
          ] as const
        }),
      )
      await plane.replace(many)
      assert.deepEqual(names(await one.ask('tcp', '10.78.4.7', 80, ASKED)), ['one', 'two'])
      await apply('default/s7', server({ addresses: ['10.78.4.7'], nodePort: undefined, ...on(two) }))
      assert.deepEqual(names(await one.ask('tcp', '10.78.4.7', 80, 10)), ['two'])
    })

    it('takes a Service with more backends than any before', async () => {
      const backends = Array.from({ length: 40 }, (_, index) => ({ address: one.address, port: 8080 + index }))
      await apply('default/web', server({ backends, externalBackends: backends.slice(0, 1) }))
      const answers = await two.ask('tcp', '10.78.0.1', 80, ASKED)
      assert.deepEqual(
        names(answers.filter((answer) => answer !== 'ECONNREFUSED'))
          .concat('one')
          .slice(0, 1),
        ['one'],
      )
      assert.deepEqual(names(await one.ask('tcp', '10.78.4.8', 80, ASKED)), ['one', 'two'])
      await apply('default/web')
    })

    it('leaves nothing behind', async () => {
      await plane.remove()
      assert.equal((await node.run(['nft', 'list', 'tables'])).trim(), '')
    })
  })
}
