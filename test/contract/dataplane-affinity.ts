import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { VirtualServer } from '../../kube-proxy/virtual-server.ts'
import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { packetWords } from '../../shared/addresses/packet-words.ts'
import { type CreateDataplane, dataplaneLab, names, on } from '../harness/dataplane-lab.ts'
import type { LabHost } from '../harness/network-lab.ts'

const ASKED = 20

/** Session affinity with real packets: whoever came once is led to the same backend again. */
export function affinitySuite(name: string, create: CreateDataplane, family: IpFamily): void {
  describe(`data plane: ${name}, ${family}: session affinity`, () => {
    const lab = dataplaneLab(3, create, family)
    const { at, server } = lab
    /** What has nothing to do with addresses is told once. */
    const once = family === 'IPv4' ? it : () => undefined
    const EXTERNAL = at('198.51.100.7')
    const sticky = (parts: Partial<VirtualServer>) => server({ affinitySeconds: 60, externalAddresses: [EXTERNAL], ...parts })
    const apply = (...servers: VirtualServer[]) => lab.apply('default/web', ...servers)
    /** Who answers, by the way in. */
    async function asked(hosts: readonly LabHost[], count = ASKED): Promise<Record<string, string[]>> {
      const ways = [
        [at('10.78.0.1'), 80],
        [EXTERNAL, 80],
        [lab.node.address, 30080],
      ] as const
      const all = hosts.flatMap((host) => ways.map(([address, port]) => ({ host, address, port })))
      const found: Record<string, string[]> = {}
      for (const { host, address, port } of all) {
        found[`${host.name} ${address}`] = (await host.ask('tcp', address, port, count)).map((answer) => answer.split(' ')[0] ?? '')
      }
      return found
    }
    const everybody = () => [lab.one, lab.two, lab.node, lab.outside]
    const isSteady = (answers: Record<string, string[]>) => {
      for (const [way, all] of Object.entries(answers)) assert.equal(new Set(all).size, 1, `${way}: ${all}`)
    }

    it('leads a client to one backend, whichever way it comes, and different clients to different ones', async () => {
      await apply(sticky(on(lab.one, lab.two)))
      isSteady(await asked(everybody()))
      const firsts = new Set<string>()
      for (let last = 10; last < 30; last += 1) {
        const address = at(`172.31.77.${last}`)
        const own = `${address}/${packetWords(family).single}`
        await lab.outside.run(['ip', 'addr', 'add', own, ...(family === 'IPv6' ? ['nodad'] : []), 'dev', 'eth0'])
        const [answer] = await lab.outside.ask('tcp', EXTERNAL, 80, 1, address)
        firsts.add(answer?.split(' ')[0] ?? '')
        await lab.outside.run(['ip', 'addr', 'del', own, 'dev', 'eth0'])
      }
      assert.deepEqual([...firsts].sort(), ['one', 'two'])
    })

    once('is switched off and on while it serves', async () => {
      await apply(server({ externalAddresses: [EXTERNAL], ...on(lab.one, lab.two) }))
      for (const [way, answers] of Object.entries(await asked(everybody(), 40))) assert.deepEqual(names(answers), ['one', 'two'], way)
      await apply(sticky(on(lab.one, lab.two)))
      isSteady(await asked(everybody()))
    })

    once('follows when its backend goes, stays with the next one, and others notice nothing', async () => {
      await apply(sticky(on(lab.one, lab.two)))
      const before = await asked(everybody(), 1)
      await apply(sticky(on(lab.two)))
      for (const answers of Object.values(await asked(everybody(), 3))) assert.deepEqual(names(answers), ['two'])
      await apply(sticky(on(lab.one, lab.two)))
      const after = await asked(everybody(), ASKED)
      isSteady(after)
      for (const [way, answers] of Object.entries(after)) assert.deepEqual(names(answers), ['two'], `${way}, before ${before[way]}`)
    })

    it('keeps its clients when backends come, and when a proxy starts anew', async () => {
      await apply(sticky(on(lab.two)))
      await asked(everybody(), 1)
      await apply(sticky(on(lab.one, lab.two)))
      const successor = create(lab.node, lab.cluster)
      await successor.replace(new Map([['default/web', [sticky(on(lab.one, lab.two))]]]), lab.place)
      lab.plane = successor
      for (const [way, answers] of Object.entries(await asked(everybody()))) assert.deepEqual(names(answers), ['two'], way)
    })

    it('forgets a client that has not come for the time given, and takes another time at once', async () => {
      await apply(sticky({ affinitySeconds: 1, ...on(lab.one, lab.two) }))
      await asked([lab.outside], 1)
      // In IPv6 a client is remembered as a number: then those of everybody are counted, and the pod that asks meanwhile has three.
      const [client, others] =
        family === 'IPv4' ? [`${lab.outside.address.replaceAll('.', '\\.')} \\. (\\S+) \\. tcp \\. \\d+`, 0] : ['[{,]?\\s*(\\S+)', 3]
      const remembered = async () => {
        const map = await lab.node.run(['nft', 'list', 'map', packetWords(family).header, 'coxswain', 'affinity'])
        return [...map.matchAll(new RegExp(`${client} timeout \\S+ expires (\\d+h)?`, 'g'))].map(([, way, hours]) => `${way} ${hours}`)
      }
      if (family === 'IPv6') await lab.node.run(['nft', 'flush', 'map', 'ip6', 'coxswain', 'affinity'])
      while ((await remembered()).length > others) await asked([lab.one], 1)
      await asked([lab.outside], 1)
      await apply(sticky({ affinitySeconds: 7_000, ...on(lab.one, lab.two) }))
      await asked([lab.outside], 1)
      const long = (await remembered()).filter((each) => each.endsWith(' 1h'))
      const expected = [at('10.78.0.1'), lab.node.address, EXTERNAL].map((way) => `${way} 1h`).sort()
      if (family === 'IPv4') assert.deepEqual(long.sort(), expected)
      else assert.equal(long.length, expected.length)
    })

    it('binds clients outside to this node’s backends under policy Local, and pods to any', async () => {
      const local = { keepsClientAddress: true, externalBackends: on(lab.one).externalBackends }
      await apply(sticky({ ...on(lab.one, lab.two), ...local }))
      assert.deepEqual(new Set(await lab.outside.ask('tcp', EXTERNAL, 80, 10)), new Set([`one ${lab.outside.address}`]))
      isSteady(await asked([lab.one, lab.two]))
      await apply(sticky({ ...on(lab.one, lab.two), ...local, externalBackends: on(lab.two).externalBackends }))
      assert.deepEqual(new Set(await lab.outside.ask('tcp', EXTERNAL, 80, 10)), new Set([`two ${lab.outside.address}`]))
    })

    it('goes with UDP too, and with TCP beside it on one port', async () => {
      await apply(sticky(on(lab.one, lab.two)), sticky({ name: 'default/web:udp', protocol: 'udp', ...on(lab.two) }))
      assert.deepEqual(names(await lab.outside.ask('udp', EXTERNAL, 80, 5)), ['two'])
      isSteady(await asked([lab.outside]))
    })
  })
}
