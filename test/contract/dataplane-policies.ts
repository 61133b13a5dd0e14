import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { VirtualServer } from '../../kube-proxy/virtual-server.ts'
import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { packetWords } from '../../shared/addresses/packet-words.ts'
import { type CreateDataplane, dataplaneLab, names, on } from '../harness/dataplane-lab.ts'
import type { LabHost } from '../harness/network-lab.ts'

const [REFUSED, DROPPED] = [['ECONNREFUSED'], ['TIMEOUT']]

/** Who may come, and with which address, by traffic policies, source ranges and the kind of address. */
export function policiesSuite(name: string, create: CreateDataplane, family: IpFamily): void {
  describe(`data plane: ${name}, ${family}: policies`, () => {
    const lab = dataplaneLab(4, create, family)
    const { at } = lab
    const EXTERNAL = at('198.51.100.7')
    const server = (parts: Partial<VirtualServer> = {}) => lab.server({ externalAddresses: [EXTERNAL], ...parts })
    const apply = (...servers: VirtualServer[]) => lab.apply('default/web', ...servers)
    const ask = (host: LabHost, address: string, port = 80, count = 1) => host.ask('tcp', address, port, count)

    it('without any backend refuses at every kind of address, from everywhere', async () => {
      await apply(server())
      for (const host of [lab.one, lab.node, lab.outside]) {
        assert.deepEqual(await ask(host, at('10.78.0.1')), REFUSED, `cluster IP from ${host.name}`)
        assert.deepEqual(await ask(host, EXTERNAL), REFUSED, `external from ${host.name}`)
        assert.deepEqual(await ask(host, lab.node.address, 30080), REFUSED, `node port from ${host.name}`)
      }
    })

    it('drops where policy Local leaves no backend here, and leads pods and the node all the same', async () => {
      await apply(server({ ...on(lab.one), keepsClientAddress: true, externalBackends: [] }))
      assert.deepEqual(await ask(lab.outside, EXTERNAL), DROPPED)
      assert.deepEqual(await ask(lab.outside, lab.node.address, 30080), DROPPED)
      for (const host of [lab.two, lab.node]) {
        assert.deepEqual(names(await ask(host, EXTERNAL)), ['one'])
        assert.deepEqual(names(await ask(host, lab.node.address, 30080)), ['one'])
      }
      await apply(server({ ...on(lab.one), backends: [] }))
      for (const host of [lab.two, lab.node]) assert.deepEqual(await ask(host, at('10.78.0.1')), DROPPED)
      assert.deepEqual(names(await ask(lab.two, EXTERNAL)), ['one'], 'internal policy is about cluster IPs')
    })

    it('keeps the address of this node’s pods at node ports, and hides that of pods elsewhere', async () => {
      await apply(server(on(lab.one)))
      assert.deepEqual(await ask(lab.two, lab.node.address, 30080), [`one ${lab.two.address}`])
      assert.deepEqual(await ask(lab.two, EXTERNAL), [`one ${lab.two.address}`])
      await lab.plane.move({ ...lab.place, podRanges: [at('10.77.9.0/24')] })
      assert.notDeepEqual(await ask(lab.two, lab.node.address, 30080), [`one ${lab.two.address}`])
      await lab.plane.move(lab.place)
    })

    it('refuses ports of a cluster IP that no Service has, and drops cluster IPs that nobody has', async () => {
      await apply(server(on(lab.one)))
      assert.deepEqual(await ask(lab.two, at('10.78.0.1'), 81), REFUSED)
      assert.deepEqual(await ask(lab.node, at('10.78.0.1'), 81), REFUSED)
      assert.deepEqual(await ask(lab.two, at('10.78.0.77')), DROPPED)
      await lab.apply('default/also', lab.server({ name: 'default/also:x', port: 81, nodePort: undefined, ...on(lab.two) }))
      await apply()
      assert.deepEqual(names(await ask(lab.one, at('10.78.0.1'), 81)), ['two'], 'the address is still somebody’s')
      await lab.apply('default/also')
    })

    it('serves node ports on the addresses given, and never on loopback', async () => {
      await apply(server(on(lab.one)))
      assert.deepEqual(await ask(lab.node, at('127.0.0.1'), 30080), REFUSED)
      await lab.plane.move({ ...lab.place, nodePortRanges: [at('172.31.78.0/24')] })
      for (const host of [lab.outside, lab.two, lab.node]) assert.deepEqual(await ask(host, lab.node.address, 30080), REFUSED, host.name)
      await lab.plane.move({ ...lab.place, nodePortRanges: [`${lab.node.address}/${packetWords(family).single}`] })
      assert.deepEqual(names(await ask(lab.outside, lab.node.address, 30080)), ['one'])
      await lab.plane.move(lab.place)
    })

    it('lets only the sources given in at a load balancer’s address, wherever they are', async () => {
      const restricted = (...sources: string[]) => server({ ...on(lab.one), restricted: { addresses: [EXTERNAL], sources } })
      await apply(restricted(at('192.0.2.0/24'), at('172.31.77.2/32'), at('172.31.77.2/31')))
      assert.deepEqual(names(await ask(lab.outside, EXTERNAL)), ['one'])
      assert.deepEqual(await ask(lab.two, EXTERNAL), DROPPED)
      assert.deepEqual(names(await ask(lab.two, at('10.78.0.1'))), ['one'], 'cluster IPs are not meant')
      await apply(restricted(at('10.77.1.9/16')))
      assert.deepEqual(await ask(lab.outside, EXTERNAL), DROPPED)
      assert.deepEqual(names(await ask(lab.outside, lab.node.address, 30080)), ['one'], 'nor node ports')
      assert.deepEqual(names(await ask(lab.two, EXTERNAL)), ['one'])
      await apply(restricted())
      for (const host of [lab.outside, lab.two]) assert.deepEqual(await ask(host, EXTERNAL), DROPPED)
      await apply(server(on(lab.one)))
      assert.deepEqual(names(await ask(lab.outside, EXTERNAL)), ['one'])
    })
  })
}
