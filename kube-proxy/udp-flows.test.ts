import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { silentLogger } from '../shared/logging/logger.ts'
import type { Node, Service } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { realClock } from '../shared/time/clock.ts'
import { HandSet } from '../test/harness/hand-set.ts'
import { type LabHost, NetworkLab } from '../test/harness/network-lab.ts'
import { forgetMisledFlows } from './conntrack.ts'
import { NftablesDataplane } from './dataplane/nftables.ts'
import { Sync } from './sync.ts'

const RULES = { table: 'coxswain', family: 'IPv4', clusterCidr: '10.77.0.0/16', serviceCidr: '10.78.0.0/16' } as const
const NODE = '172.31.76.1'

/** A Service that is reached in every way there is. */
const reached = (name: string, number: number, policy: 'Cluster' | 'Local'): Service => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' } },
  spec: {
    ...{ type: 'LoadBalancer', clusterIP: `10.78.0.${number}`, externalIPs: [`198.51.100.${number}`], externalTrafficPolicy: policy },
    ports: [{ protocol: 'UDP', port: 53, targetPort: 8080, nodePort: 30_000 + number }],
  },
  status: { loadBalancer: { ingress: [{ ip: `203.0.113.${number}` }] } },
})

describe('UDP flows follow the endpoints, whichever way their Service is reached', () => {
  const lab = new NetworkLab(2)
  const services = new HandSet<Service>()
  const slices = new HandSet<EndpointSlice>()
  const ending = new AbortController()
  let [node, one, two, client, outside]: LabHost[] = []
  let running: Promise<void> | undefined
  let applied = Promise.withResolvers<void>()

  before(async () => {
    assert.equal(process.getuid?.(), 0, 'network tests make namespaces and need root')
    const host = (node = await lab.node(NODE))
    outside = await lab.outsider(host, 'out', '172.31.76.2')
    for (const range of ['198.51.100.0/24', '203.0.113.0/24']) await outside.run(['ip', 'route', 'add', range, 'via', NODE])
    one = await lab.pod(host, 'one', '10.77.1.2')
    two = await lab.pod(host, 'two', '10.77.1.3')
    client = await lab.pod(host, 'client', '10.77.1.4')
    await Promise.all([one.serve(), two.serve()])
    const sync = new Sync({
      ...{ services, slices, nodes: new HandSet<Node>(), routes: { apply: async () => {} }, clock: realClock(), log: silentLogger() },
      ...{
        nodeLocalAddresses: new Set<string>(),
        nodeName: 'node-1',
        clusterCidr: RULES.clusterCidr,
        isOutside: () => true,
        nodePortAddresses: [],
      },
      dataplane: new NftablesDataplane(RULES, (args, input) => host.run(['nft', ...args], input)),
      async forget(ways) {
        const forgotten = await forgetMisledFlows(ways, host.run)
        applied.resolve()
        return forgotten
      },
    })
    for (const [name, number, policy] of [['all', 1, 'Cluster'] as const, ['here', 2, 'Local'] as const]) {
      services.set(`default/${name}`, reached(name, number, policy))
    }
    running = sync.run(ending.signal)
    await applied.promise
  })
  after(async () => {
    ending.abort()
    await running
    await lab.close()
  })

  /** Both Services have these endpoints from now on. */
  async function leadTo(...pods: (LabHost | undefined)[]): Promise<void> {
    applied = Promise.withResolvers()
    for (const name of ['all', 'here']) {
      const endpoints = pods.map((pod) => ({ addresses: [pod?.address ?? ''], conditions: { ready: true }, nodeName: 'node-1' }))
      slices.set(`default/${name}`, {
        ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', endpoints },
        metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
        ports: [{ name: '', protocol: 'UDP', port: 8080 }],
      })
    }
    await applied.promise
  }

  it('from none to one, to another, to none and back', async () => {
    const ways: [way: string, from: LabHost | undefined, address: string, port: number][] = [1, 2].flatMap((number) => [
      [`${number}: cluster IP from a pod`, client, `10.78.0.${number}`, 53],
      [`${number}: cluster IP from the node`, node, `10.78.0.${number}`, 53],
      [`${number}: cluster IP from outside`, outside, `10.78.0.${number}`, 53],
      [`${number}: external IP from outside`, outside, `198.51.100.${number}`, 53],
      [`${number}: external IP from a pod`, client, `198.51.100.${number}`, 53],
      [`${number}: load balancer from outside`, outside, `203.0.113.${number}`, 53],
      [`${number}: node port from outside`, outside, NODE, 30_000 + number],
      [`${number}: node port from a pod`, client, NODE, 30_000 + number],
    ])
    await outside?.run(['ip', 'route', 'add', RULES.serviceCidr, 'via', NODE])
    const flows = ways.map(([way, from, address, port]) => ({ way, flow: from?.flow(address, port) }))
    const answers = async () =>
      Object.fromEntries(await Promise.all(flows.map(async ({ way, flow }) => [way, (await flow?.ask())?.split(' ')[0]] as const)))
    const all = (answer: string) => Object.fromEntries(ways.map(([way]) => [way, answer]))
    assert.deepEqual(await answers(), all('TIMEOUT'), 'nobody is there')
    await leadTo(one)
    assert.deepEqual(await answers(), all('one'), 'from none to one')
    await leadTo(one, two)
    assert.deepEqual(await answers(), all('one'), 'a flow stays where it is as long as that is there')
    await leadTo(two)
    assert.deepEqual(await answers(), all('two'), 'to another')
    await leadTo()
    assert.deepEqual(await answers(), all('TIMEOUT'), 'to none')
    await leadTo(one)
    assert.deepEqual(await answers(), all('one'), 'and back')
  })
})
