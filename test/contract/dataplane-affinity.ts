import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { VirtualServer } from '../../kube-proxy/virtual-server.ts'
import { CLUSTER, type CreateDataplane, dataplaneLab, names, on, PLACE, virtualServer } from '../harness/dataplane-lab.ts'
import type { LabHost } from '../harness/network-lab.ts'

const ASKED = 20
const EXTERNAL = '198.51.100.7'

/** Session affinity with real packets: whoever came once is led to the same backend again. */
export function affinitySuite(name: string, create: CreateDataplane): void {
  describe(`data plane: ${name}: session affinity`, () => {
    const lab = dataplaneLab(3, create)
    const sticky = (parts: Partial<VirtualServer>) => virtualServer({ affinitySeconds: 60, externalAddresses: [EXTERNAL], ...parts })
    const apply = (...servers: VirtualServer[]) => lab.apply('default/web', ...servers)
    /** Who answers, by the way in. */
    async function asked(hosts: readonly LabHost[], count = ASKED): Promise<Record<string, string[]>> {
      const ways = [
        ['10.78.0.1', 80],
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
        const address = `172.31.77.${last}`
        await lab.outside.run(['ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0'])
        const [answer] = await lab.outside.ask('tcp', EXTERNAL, 80, 1, address)
        firsts.add(answer?.split(' ')[0] ?? '')
        await lab.outside.run(['ip', 'addr', 'del', `${address}/24`, 'dev', 'eth0'])
      }
      assert.deepEqual([...firsts].sort(), ['one', 'two'])
    })

    it('is switched off and on while it serves', async () => {
      await apply(virtualServer({ externalAddresses: [EXTERNAL], ...on(lab.one, lab.two) }))
      for (const [way, answers] of Object.entries(await asked(everybody(), 40))) assert.deepEqual(names(answers), ['one', 'two'], way)
      await apply(sticky(on(lab.one, lab.two)))
      isSteady(await asked(everybody()))
    })

    it('follows when its backend goes, stays with the next one, and others notice nothing', async () => {
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
      const successor = create(lab.node, CLUSTER)
      await successor.replace(new Map([['default/web', [sticky(on(lab.one, lab.two))]]]), PLACE)
      lab.plane = successor
      for (const [way, answers] of Object.entries(await asked(everybody()))) assert.deepEqual(names(answers), ['two'], way)
    })

    it('forgets a client that has not come for the time given, and takes another time at once', async () => {
      await apply(sticky({ affinitySeconds: 1, ...on(lab.one, lab.two) }))
      await asked([lab.outside], 1)
      const remembered = async () => {
        const map = await lab.node.run(['nft', 'list', 'map', 'ip', 'coxswain', 'affinity'])
        return [...map.matchAll(/172\.31\.77\.2 \. (\S+) \. tcp \. \d+ timeout \S+ expires (\d+h)?/g)].map(
          ([, way, hours]) => `${way} ${hours}`,
        )
      }
      while ((await remembered()).length > 0) await asked([lab.one], 1)
      await asked([lab.outside], 1)
      await apply(sticky({ affinitySeconds: 7_000, ...on(lab.one, lab.two) }))
      await asked([lab.outside], 1)
      assert.deepEqual((await remembered()).sort(), ['10.78.0.1 1h', '172.31.77.1 1h', `${EXTERNAL} 1h`])
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
