import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { silentLogger } from '../shared/logging/logger.ts'
import type { Node, Service } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { realClock } from '../shared/time/clock.ts'
import { CLUSTER } from '../test/harness/dataplane-lab.ts'
import { HandSet } from '../test/harness/hand-set.ts'
import { type LabHost, NetworkLab } from '../test/harness/network-lab.ts'
import { OUTSIDE_FIRST } from './dataplane/chains.ts'
import { NftablesDataplane } from './dataplane/nftables.ts'
import { Sync } from './sync.ts'

const NODE = '172.31.80.1'
const PER_SECOND = 200
const SECONDS = 3

/** A Service in every way there is; the same endpoints for both kinds of session affinity, and for clients that keep their address. */
const web = (name: string, number: number, sessionAffinity: string, externalTrafficPolicy = 'Cluster'): Service => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, status: { loadBalancer: {} } },
  spec: {
    ...{ type: 'NodePort', clusterIP: `10.78.0.${number}`, externalIPs: [`198.51.100.${number}`], sessionAffinity, externalTrafficPolicy },
    ports: [{ protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30_000 + number }],
  },
})

describe('connections while endpoints come and go', () => {
  const lab = new NetworkLab(6)
  const services = new HandSet<Service>()
  const slices = new HandSet<EndpointSlice>()
  const ending = new AbortController()
  let [host, client, outside]: LabHost[] = []
  let pods: LabHost[] = []
  let running: Promise<void> | undefined
  let changes = 0
  let applied = Promise.withResolvers<void>()

  before(async () => {
    assert.equal(process.getuid?.(), 0, 'network tests make namespaces and need root')
    const node = await lab.node(NODE)
    host = node
    outside = await lab.outsider(node, 'out', '172.31.80.2')
    await outside.run(['ip', 'route', 'add', '198.51.100.0/24', 'via', NODE])
    client = await lab.pod(node, 'client', '10.77.1.9')
    pods = [await lab.pod(node, 'one', '10.77.1.2'), await lab.pod(node, 'two', '10.77.1.3'), await lab.pod(node, 'three', '10.77.1.4')]
    await Promise.all(pods.map((pod) => pod.serve()))
    const sync = new Sync({
      ...{ services, slices, nodes: new HandSet<Node>(), routes: { apply: async () => {} }, clock: realClock(), log: silentLogger() },
      ...{ nodeLocalAddresses: new Set<string>(), nodeName: 'node-1', clusterCidr: CLUSTER.clusterCidr, isOutside: () => true },
      ...{ nodePortAddresses: [], forget: async () => 0 },
      dataplane: new NftablesDataplane({ table: 'coxswain', ...CLUSTER }, (args, input) => node.run(['nft', ...args], input)),
      observer: {
        ...{ changed() {}, began() {}, compared() {}, failed: () => assert.fail('rules were refused') },
        applied() {
          changes += 1
          applied.resolve()
        },
      },
    })
    services.set('default/any', web('any', 1, 'None'))
    services.set('default/same', web('same', 2, 'ClientIP'))
    services.set('default/any-kept', web('any-kept', 3, 'None', 'Local'))
    services.set('default/same-kept', web('same-kept', 4, 'ClientIP', 'Local'))
    running = sync.run(ending.signal)
    await leadTo(0)
  })
  after(async () => {
    ending.abort()
    await running
    await lab.close()
  })

  /** The first pod stays, and where clients keep their address it is another node's; the others are there, shutting down or gone, by the bits of a number. */
  async function leadTo(step: number): Promise<void> {
    applied = Promise.withResolvers()
    const endpointsOf = (first: string) =>
      pods.flatMap((pod, index) => {
        const state = index === 0 ? 0 : (step >> (2 * (index - 1))) & 3
        const terminating = state === 1
        return state > 1
          ? []
          : [
              {
                addresses: [pod.address],
                conditions: { ready: !terminating, serving: true, terminating },
                nodeName: index === 0 ? first : 'node-1',
              },
            ]
      })
    for (const name of ['any', 'same', 'any-kept', 'same-kept']) {
      slices.set(`default/${name}`, {
        ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
        endpoints: endpointsOf(name.endsWith('kept') ? 'node-2' : 'node-1'),
        metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
        ports: [{ name: '', protocol: 'TCP', port: 8080 }],
      })
    }
    await applied.promise
  }

  it(`loses none of ${PER_SECOND} a second, on any way, to a backend that answers`, async () => {
    const count = PER_SECOND * SECONDS
    const load = { count: count / 4, perSecond: PER_SECOND / 4 }
    const loads = Promise.all([
      client?.load('10.78.0.1', 80, load),
      client?.load('10.78.0.2', 80, load),
      outside?.load('198.51.100.1', 80, load),
      outside?.load(NODE, 30_002, load),
    ])
    let isDone = false
    loads.then(
      () => (isDone = true),
      () => (isDone = true),
    )
    const before = changes
    for (let step = 1; !isDone; step += 1) await leadTo(step * 7)
    const ways = await loads
    const answers = ways.flatMap((each) => each ?? [])
    assert.equal(answers.length, count)
    const lost = ways.map((each) => each?.flatMap((answer, at) => (/^(one|two|three) /.test(answer) ? [] : [`${at}: ${answer}`])))
    assert.deepEqual(lost, [[], [], [], []], 'by way: cluster IP, the same with affinity, external address, node port')
    assert.deepEqual([...new Set(answers.map((answer) => answer.split(' ')[0]))].sort(), ['one', 'three', 'two'])
    assert.ok(changes - before >= 20, `${changes - before} changes is too few to have seen anything`)
  })

  it('refuses nobody who finds the rules from before a change and the maps from after it', async () => {
    await leadTo(0)
    // As a packet finds it that began when there were three: the chains lead to one of them all, the maps have the first alone.
    const ways = [
      { from: client, address: '10.78.0.1', port: 80, map: 'endpoints', door: '10.78.0.1 . tcp . 80' },
      { from: client, address: '10.78.0.2', port: 80, map: 'choices', door: '10.78.0.2 . tcp . 80' },
      { from: client, address: NODE, port: 30_001, map: 'node_endpoints', door: 'tcp . 30001' },
      { from: client, address: NODE, port: 30_004, map: 'node_choices', door: 'tcp . 30004' },
      { from: outside, address: '198.51.100.1', port: 80, map: 'endpoints', door: '198.51.100.1 . tcp . 80' },
      { from: outside, address: '198.51.100.2', port: 80, map: 'choices', door: '198.51.100.2 . tcp . 80' },
      { from: outside, address: '198.51.100.3', port: 80, map: 'endpoints', door: '198.51.100.3 . tcp . 80', first: OUTSIDE_FIRST },
      { from: outside, address: NODE, port: 30_004, map: 'node_choices', door: 'tcp . 30004', first: OUTSIDE_FIRST },
    ]
    const gone = ways.map(({ map, door, first = 0 }) => {
      const numbers = first === 0 ? [1, 2] : [first + 1]
      return `delete element ip coxswain ${map} { ${numbers.map((number) => `${door} . ${number}`).join(', ')} }\n`
    })
    await host?.run(['nft', '-f', '-'], gone.join(''))
    for (const { from, address, port, map, first } of ways) {
      const answers = await from?.load(address, port, { count: 30, perSecond: 200 })
      assert.deepEqual(new Set(answers?.map((answer) => answer.split(' ')[0])).size, 1, `${address}:${port} ${map}: ${answers?.join()}`)
      assert.match(answers?.[0] ?? '', first === OUTSIDE_FIRST ? /^(two|three) / : /^(one|two|three) /)
    }
  })
})
