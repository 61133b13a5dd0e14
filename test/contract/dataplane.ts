import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { flowWays, forgetMisledFlows } from '../../kube-proxy/conntrack.ts'
import type { VirtualServer } from '../../kube-proxy/virtual-server.ts'
import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { type CreateDataplane, dataplaneLab, names, on } from '../harness/dataplane-lab.ts'
import { affinitySuite } from './dataplane-affinity.ts'
import { policiesSuite } from './dataplane-policies.ts'

const ASKED = 40

/** The suite every data plane must pass: real packets between network namespaces. Needs root; says so where it is not. */
export function dataplaneSuite(name: string, create: CreateDataplane, family: IpFamily): void {
  affinitySuite(name, create, family)
  policiesSuite(name, create, family)
  describe(`data plane: ${name}, ${family}`, () => {
    const lab = dataplaneLab(1, create, family)
    const { at, server } = lab
    /** What has nothing to do with addresses is told once. */
    const once = family === 'IPv4' ? it : () => undefined
    const apply = (service: string, ...servers: VirtualServer[]) => lab.apply(service, ...servers)

    it('balances over all backends, from a pod, from the node and from outside through the node port', async () => {
      await apply('default/web', server(on(lab.one, lab.two)))
      assert.deepEqual(names(await lab.one.ask('tcp', at('10.78.0.1'), 80, ASKED)), ['one', 'two'])
      assert.deepEqual(names(await lab.node.ask('tcp', at('10.78.0.1'), 80, ASKED)), ['one', 'two'])
      assert.deepEqual(names(await lab.outside.ask('tcp', at('172.31.77.1'), 30080, ASKED)), ['one', 'two'])
      assert.deepEqual(names(await lab.node.ask('tcp', at('172.31.77.1'), 30080, ASKED)), ['one', 'two'])
    })

    it('lets a backend reach itself through its Service, and keeps the address of other pods', async () => {
      await apply('default/web', server(on(lab.one)))
      assert.deepEqual(names(await lab.one.ask('tcp', at('10.78.0.1'), 80, 5)), ['one'])
      assert.deepEqual(
        new Set(await lab.two.ask('tcp', at('10.78.0.1'), 80, 5)),
        new Set([`one ::ffff:${lab.two.address}`, `one ${lab.two.address}`].slice(1)),
      )
    })

    it('moves to other backends at once, and refuses at once when none is left', async () => {
      await apply('default/web', server(on(lab.one)))
      assert.deepEqual(names(await lab.two.ask('tcp', at('10.78.0.1'), 80, 10)), ['one'])
      await apply('default/web', server(on(lab.two)))
      assert.deepEqual(names(await lab.two.ask('tcp', at('10.78.0.1'), 80, 10)), ['two'])
      await apply('default/web', server())
      assert.deepEqual(await lab.two.ask('tcp', at('10.78.0.1'), 80, 2), ['ECONNREFUSED', 'ECONNREFUSED'])
      assert.deepEqual(await lab.node.ask('tcp', at('10.78.0.1'), 80, 1), ['ECONNREFUSED'])
      await apply('default/web', server(on(lab.one, lab.two)))
      assert.deepEqual(names(await lab.two.ask('tcp', at('10.78.0.1'), 80, ASKED)), ['one', 'two'])
    })

    it('keeps the client address for external traffic policy Local', async () => {
      await apply('default/web', server({ ...on(lab.one), keepsClientAddress: true }))
      assert.deepEqual(await lab.outside.ask('tcp', at('172.31.77.1'), 30080, 1), [`one ${lab.outside.address}`])
      await apply('default/web', server(on(lab.one)))
      assert.notDeepEqual(await lab.outside.ask('tcp', at('172.31.77.1'), 30080, 1), [`one ${lab.outside.address}`])
    })

    it('serves external addresses, from outside and inside, and keeps the client address under policy Local', async () => {
      const external = { externalAddresses: [at('198.51.100.7')] }
      await apply('default/web', server({ ...on(lab.one, lab.two), ...external }))
      for (const host of [lab.outside, lab.node, lab.one])
        assert.deepEqual(names(await host.ask('tcp', at('198.51.100.7'), 80, ASKED)), ['one', 'two'])
      assert.notDeepEqual(await lab.outside.ask('tcp', at('198.51.100.7'), 80, 1), [`one ${lab.outside.address}`])
      await apply('default/web', server({ ...on(lab.one), ...external, keepsClientAddress: true }))
      assert.deepEqual(await lab.outside.ask('tcp', at('198.51.100.7'), 80, 1), [`one ${lab.outside.address}`])
      // Under policy Local with no endpoint here: nobody from outside, everybody from inside.
      await apply('default/web', server({ ...on(lab.one), ...external, keepsClientAddress: true, externalBackends: [] }))
      assert.deepEqual(await lab.outside.ask('tcp', at('198.51.100.7'), 80, 1), ['TIMEOUT'])
      assert.deepEqual(names(await lab.two.ask('tcp', at('198.51.100.7'), 80, 3)), ['one'])
      assert.deepEqual(names(await lab.node.ask('tcp', at('198.51.100.7'), 80, 3)), ['one'])
      await apply('default/web', server(external))
      assert.deepEqual(await lab.outside.ask('tcp', at('198.51.100.7'), 80, 1), ['ECONNREFUSED'])
      await apply('default/web')
      assert.notDeepEqual(names(await lab.two.ask('tcp', at('198.51.100.7'), 80, 1)), ['one'])
    })

    it('keeps TCP and UDP on one port number apart', async () => {
      const udp = server({ name: 'default/web:dns', protocol: 'udp', nodePort: undefined, ...on(lab.two) })
      await apply('default/web', server(on(lab.one)), udp)
      assert.deepEqual(names(await lab.one.ask('tcp', at('10.78.0.1'), 80, 5)), ['one'])
      assert.deepEqual(names(await lab.one.ask('udp', at('10.78.0.1'), 80, 5)), ['two'])
    })

    it('moves a UDP flow off a removed backend once its flow is forgotten', async () => {
      const before = server({ protocol: 'udp', nodePort: undefined, ...on(lab.one) })
      const now = server({ protocol: 'udp', nodePort: undefined, ...on(lab.two) })
      await apply('default/web', before)
      const flow = lab.node.flow(at('10.78.0.1'), 80)
      assert.match(await flow.ask(), /^one /)
      await apply('default/web', now)
      await forgetMisledFlows(flowWays([before], [now]), lab.node.run, family)
      assert.match(await flow.ask(), /^two /)
    })

    once('shares a backend between Services, and keeps it for the one that stays', async () => {
      await apply('default/web', server(on(lab.one)))
      await apply('default/also', server({ name: 'default/also:http', addresses: [at('10.78.0.2')], nodePort: 30081, ...on(lab.one) }))
      await apply('default/web')
      assert.deepEqual(names(await lab.one.ask('tcp', at('10.78.0.2'), 80, 5)), ['one'])
      await apply('default/also')
    })

    once('takes over from a predecessor: replace leaves exactly what is wanted', async () => {
      await apply('default/web', server(on(lab.one)))
      const successor = create(lab.node, lab.cluster)
      await successor.replace(new Map([['default/other', [server({ addresses: [at('10.78.0.9')], ...on(lab.two) })]]]), lab.place)
      lab.plane = successor
      assert.deepEqual(names(await lab.one.ask('tcp', at('10.78.0.9'), 80, 3)), ['two'])
      assert.notDeepEqual(names(await lab.one.ask('tcp', at('10.78.0.1'), 80, 1)), ['one'])
      await apply('default/other')
    })

    once('keeps what was applied when a change is refused', async () => {
      await apply('default/web', server(on(lab.one)))
      await assert.rejects(apply('default/bad', server({ addresses: ['not an address'], ...on(lab.one) })))
      assert.deepEqual(names(await lab.two.ask('tcp', at('10.78.0.1'), 80, 3)), ['one'])
      await apply('default/web', server(on(lab.two)))
      assert.deepEqual(names(await lab.one.ask('tcp', at('10.78.0.1'), 80, 3)), ['two'])
    })

    once('goes on serving 2,000 Services, and one change of them stays cheap', async () => {
      const many = new Map(
        Array.from({ length: 2_000 }, (_, index) => {
          const address = at(`10.78.${4 + (index >> 8)}.${index & 255}`)
          return [
            `default/s${index}`,
            [server({ name: `default/s${index}:http`, addresses: [address], nodePort: undefined, ...on(lab.one, lab.two) })],
          ] as const
        }),
      )
      await lab.plane.replace(many, lab.place)
      assert.deepEqual(names(await lab.one.ask('tcp', at('10.78.4.7'), 80, ASKED)), ['one', 'two'])
      await apply('default/s7', server({ addresses: [at('10.78.4.7')], nodePort: undefined, ...on(lab.two) }))
      assert.deepEqual(names(await lab.one.ask('tcp', at('10.78.4.7'), 80, 10)), ['two'])
    })

    once('takes a Service with more backends than any before', async () => {
      const backends = Array.from({ length: 40 }, (_, index) => ({ address: lab.one.address, port: 8080 + index }))
      await apply('default/web', server({ backends, clusterBackends: backends, externalBackends: backends }))
      const answers = await lab.two.ask('tcp', at('10.78.0.1'), 80, ASKED)
      assert.deepEqual(
        names(answers.filter((answer) => answer !== 'ECONNREFUSED'))
          .concat('one')
          .slice(0, 1),
        ['one'],
      )
      assert.deepEqual(names(await lab.one.ask('tcp', at('10.78.4.8'), 80, ASKED)), ['one', 'two'])
      await apply('default/web')
    })

    it('leaves nothing behind', async () => {
      await lab.plane.remove()
      assert.equal((await lab.node.run(['nft', 'list', 'tables'])).trim(), '')
    })
  })
}
