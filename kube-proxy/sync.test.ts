import assert from 'node:assert/strict'
import { it } from 'node:test'
import { silentLogger } from '../shared/logging/logger.ts'
import type { Node, Service } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { realClock } from '../shared/time/clock.ts'
import { HandSet } from '../test/harness/hand-set.ts'
import type { Dataplane, NodePlace, ServiceChanges } from './dataplane/dataplane.ts'
import { NftablesDataplane } from './dataplane/nftables.ts'
import { Sync } from './sync.ts'

/** Remembers what it was asked for; fails when told to. Each call answers the one who waits for it. */
class SimulatedDataplane implements Dataplane {
  failures = 0
  readonly calls: { what: 'replace' | 'update' | 'move'; names: string[] }[] = []
  readonly places: NodePlace[] = []
  #waiting: (() => void) | undefined

  replace(services: ServiceChanges, place: NodePlace): Promise<void> {
    this.places.push(place)
    return this.#call('replace', services)
  }

  update(changes: ServiceChanges): Promise<void> {
    return this.#call('update', changes)
  }

  async move(place: NodePlace): Promise<void> {
    this.places.push(place)
    await this.#call('move', new Map())
  }

  async remove(): Promise<void> {}

  async until(count: number): Promise<void> {
    while (this.calls.length < count) await new Promise<void>((resolve) => (this.#waiting = resolve))
  }

  async #call(what: 'replace' | 'update' | 'move', services: ServiceChanges): Promise<void> {
    this.calls.push({ what, names: [...services].map(([name, servers]) => `${name} ${servers.length}`).sort() })
    this.#waiting?.()
    if (this.failures > 0) {
      this.failures -= 1
      throw new Error('the rules were refused')
    }
  }
}

const service = (name: string, clusterIP: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { clusterIP, ports: [{ port: 80, targetPort: 80 }] },
  status: { loadBalancer: {} },
})

/** A Service whose load balancer gave it this address. */
const balanced = (name: string, clusterIP: string, ip: string, creationTimestamp: string): Service => {
  const { metadata, spec, ...rest } = service(name, clusterIP)
  return {
    ...rest,
    metadata: { ...metadata, creationTimestamp },
    spec: { ...spec, type: 'LoadBalancer' },
    status: { loadBalancer: { ingress: [{ ip }] } },
  }
}

const backedBy = (name: string, address: string): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
  ...{ addressType: 'IPv4', ports: [{ protocol: 'TCP', port: 8080 }], endpoints: [{ addresses: [address], conditions: { ready: true } }] },
})

/** The elements of one map, after nft's own rules: what is there cannot be added, what is not there cannot be deleted. */
class ElementTable {
  readonly elements = new Map<string, string>()

  transact(text: string): string {
    // A new table has nothing in it.
    if (/^delete table/m.test(text)) this.elements.clear()
    for (const [, verb, container, content] of text.matchAll(/^(add|delete) element ip \S+ (\S+) \{ (.*) \}$/gm)) {
      for (const each of content!.split(', ')) {
        const [element = '', value = ''] = each.split(' : ')
        const key = `${container} ${element}`
        if (verb === 'delete') assert.ok(this.elements.delete(key), `${key} is not there`)
        else assert.ok(!this.elements.has(key) && this.elements.set(key, value), `${key} is there`)
      }
    }
    return ''
  }
}

function trial() {
  const services = new HandSet<Service>()
  const slices = new HandSet<EndpointSlice>()
  const dataplane = new SimulatedDataplane()
  const ending = new AbortController()
  const parts = {
    services,
    slices,
    nodes: new HandSet<Node>(),
    dataplane,
    routes: { apply: async () => {} },
    forget: async () => 0,
    nodeLocalAddresses: new Set(['10.96.0.10']),
    nodeName: 'node-1',
    isOutside: () => true,
    clusterCidr: '10.244.0.0/16',
    nodePortAddresses: [],
    clock: realClock(),
    log: silentLogger(),
  }
  return { services, slices, dataplane, parts, sync: new Sync(parts), ending }
}

it('applies everything once, then only what changes, and leaves node-local addresses alone', async () => {
  const { services, dataplane, sync, ending } = trial()
  services.set('default/web', service('web', '10.96.0.7'))
  services.set('default/dns', service('dns', '10.96.0.10'))
  const running = sync.run(ending.signal)
  await dataplane.until(1)
  services.set('default/db', service('db', '10.96.0.8'))
  await dataplane.until(2)
  services.set('default/web', undefined)
  await dataplane.until(3)
  ending.abort()
  await running
  assert.deepEqual(dataplane.calls, [
    { what: 'replace', names: ['default/dns 0', 'default/web 1'] },
    { what: 'update', names: ['default/db 1'] },
    { what: 'update', names: ['default/web 0'] },
  ])
})

it('applies everything anew after a failure, what changed meanwhile included', async () => {
  const { services, dataplane, sync, ending } = trial()
  services.set('default/web', service('web', '10.96.0.7'))
  const running = sync.run(ending.signal)
  await dataplane.until(1)
  dataplane.failures = 1
  services.set('default/db', service('db', '10.96.0.8'))
  await dataplane.until(2)
  await dataplane.until(3)
  ending.abort()
  await running
  assert.deepEqual(dataplane.calls.at(-1), { what: 'replace', names: ['default/db 1', 'default/web 1'] })
  assert.equal(sync.healthy, true)
})

it('leads an address that two load balancers gave to the older Service, and takes nothing away that is in use', async (t) => {
  const { services, slices, dataplane, parts, ending } = trial()
  t.after(() => ending.abort())
  const table = new ElementTable()
  const settings = { table: 'x', family: 'IPv4', clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16' } as const
  const nftables = new NftablesDataplane(settings, async (_args, text = '') => table.transact(text))
  const said: unknown[] = []
  const log = { ...silentLogger(), warn: (_message: string, fields?: object) => void said.push(fields) }
  const both: Dataplane = {
    replace: async (changes, place) => nftables.replace(changes, place).finally(() => dataplane.replace(changes, place)),
    update: async (changes) => nftables.update(changes).finally(() => dataplane.update(changes)),
    move: (place) => dataplane.move(place),
    remove: async () => {},
  }
  const sync = new Sync({ ...parts, dataplane: both, log })
  const leads = () => table.elements.get('endpoints 203.0.113.7 . tcp . 80 . 0')
  for (const [name, address] of [
    ['young', '10.244.0.2'],
    ['old', '10.244.0.1'],
  ] as const)
    slices.set(`default/${name}`, backedBy(name, address))
  services.set('default/young', balanced('young', '10.96.0.8', '203.0.113.7', '2026-02-02T00:00:00Z'))
  const running = sync.run(ending.signal)
  await dataplane.until(1)
  assert.equal(leads(), '10.244.0.2 . 8080')
  services.set('default/old', balanced('old', '10.96.0.7', '203.0.113.7', '2026-01-01T00:00:00Z'))
  await dataplane.until(2)
  assert.equal(leads(), '10.244.0.1 . 8080')
  assert.deepEqual(said, [{ service: 'default/young', addresses: ["203.0.113.7:80/tcp is default/old's"] }])
  services.set('default/young', undefined)
  await dataplane.until(3)
  assert.equal(leads(), '10.244.0.1 . 8080')
  services.set('default/young', balanced('young', '10.96.0.8', '203.0.113.7', '2026-02-02T00:00:00Z'))
  await dataplane.until(4)
  assert.equal(leads(), '10.244.0.1 . 8080')
  services.set('default/old', undefined)
  await dataplane.until(5)
  assert.equal(leads(), '10.244.0.2 . 8080')
  services.set('default/young', balanced('young', '10.96.0.8', '203.0.113.9', '2026-02-02T00:00:00Z'))
  await dataplane.until(6)
  assert.equal(leads(), undefined)
  ending.abort()
  await running
  assert.equal(sync.healthy, true)
})

const nodeAt = (name: string, address: string, parts: { podCIDR?: string; port?: number; zone?: string } = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: { name, labels: parts.zone ? { 'topology.kubernetes.io/zone': parts.zone } : {} },
  spec: parts.podCIDR ? { podCIDR: parts.podCIDR } : {},
  status: {
    addresses: [{ type: 'InternalIP', address }],
    daemonEndpoints: { kubeletEndpoint: { Port: parts.port ?? 10_250 } },
    nodeInfo: {} as Node['status']['nodeInfo'],
  },
})

it('gives no Service the door of a kubelet, also of a node that joins later, and gives it when the node is gone', async (t) => {
  const { services, dataplane, parts, ending } = trial()
  t.after(() => ending.abort())
  const nodes = new HandSet<Node>()
  const doors: string[][] = []
  const watching: Dataplane = {
    replace: async (changes, place) => note(changes).then(() => dataplane.replace(changes, place)),
    update: async (changes) => note(changes).then(() => dataplane.update(changes)),
    move: (place) => dataplane.move(place),
    remove: async () => {},
  }
  const note = async (changes: ServiceChanges) => {
    doors.push([...changes.values()].flat().flatMap(({ externalAddresses, port }) => externalAddresses.map((each) => `${each}:${port}`)))
  }
  const sync = new Sync({ ...parts, nodes, dataplane: watching })
  const { spec, ...rest } = service('thief', '10.96.0.7')
  const ports = [80, 10_250].map((port) => ({ port, targetPort: 80 }))
  services.set('default/thief', { ...rest, spec: { ...spec, externalIPs: ['172.28.0.4'], ports } })
  const running = sync.run(ending.signal)
  await dataplane.until(1)
  nodes.set('node-2', nodeAt('node-2', '172.28.0.4'))
  await dataplane.until(2)
  nodes.set('node-2', nodeAt('node-2', '172.28.0.4', { port: 80 }))
  await dataplane.until(3)
  nodes.set('node-2', undefined)
  await dataplane.until(4)
  ending.abort()
  await running
  const [both, first, second] = [['172.28.0.4:80', '172.28.0.4:10250'], ['172.28.0.4:80'], ['172.28.0.4:10250']]
  assert.deepEqual(doors, [both, first, second, both])
})

it('tells the data plane where the node is, and looks at every Service anew when its zone changes', async (t) => {
  const { services, dataplane, parts, ending } = trial()
  t.after(() => ending.abort())
  const nodes = new HandSet<Node>()
  const sync = new Sync({ ...parts, nodes, nodePortAddresses: ['primary', '192.0.2.0/24'] })
  services.set('default/web', service('web', '10.96.0.7'))
  const running = sync.run(ending.signal)
  await dataplane.until(1)
  nodes.set('node-1', nodeAt('node-1', '172.28.0.4', { podCIDR: '10.244.1.0/24' }))
  await dataplane.until(2)
  nodes.set('node-1', nodeAt('node-1', '172.28.0.4', { podCIDR: '10.244.1.0/24', zone: 'a' }))
  await dataplane.until(3)
  ending.abort()
  await running
  assert.deepEqual(dataplane.places, [
    { podRanges: [], nodePortRanges: ['192.0.2.0/24'] },
    { podRanges: ['10.244.1.0/24'], nodePortRanges: ['172.28.0.4/32', '192.0.2.0/24'] },
  ])
  assert.deepEqual(dataplane.calls.at(-1), { what: 'update', names: ['default/web 1'] })
})
