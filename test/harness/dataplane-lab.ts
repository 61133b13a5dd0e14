import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Dataplane, NodePlace } from '../../kube-proxy/dataplane/dataplane.ts'
import type { VirtualServer } from '../../kube-proxy/virtual-server.ts'
import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { type InFamily, inFamily } from './family-addresses.ts'
import { type LabHost, NetworkLab } from './network-lab.ts'

export const CLUSTER = clusterOf('IPv4')
export const PLACE = placeOf('IPv4')

function clusterOf(family: IpFamily) {
  const at = inFamily(family)
  return { family, clusterCidr: at('10.77.0.0/16'), serviceCidr: at('10.78.0.0/16') }
}

function placeOf(family: IpFamily): NodePlace {
  const at = inFamily(family)
  return { podRanges: [at('10.77.1.0/24')], nodePortRanges: [at('0.0.0.0/0')] }
}

/** Makes the data plane under test on a host. */
export type CreateDataplane = (host: LabHost, cluster: typeof CLUSTER) => Dataplane

/** What the hosts of the lab are, once its tests run. */
export interface DataplaneLab {
  /** Turns an address of the story into one of the lab's family. */
  readonly at: InFamily
  readonly cluster: typeof CLUSTER
  readonly place: NodePlace
  /** `virtualServer` of the lab's family. */
  server(parts?: Partial<VirtualServer>): VirtualServer
  readonly node: LabHost
  /** Pods of the node, that answer on port 8080. */
  readonly one: LabHost
  readonly two: LabHost
  /** A machine on the node's link that knows nothing of pods; external addresses are reached through the node. */
  readonly outside: LabHost
  plane: Dataplane
  apply(service: string, ...servers: VirtualServer[]): Promise<void>
}

/** One port of a Service: TCP 80 at 10.78.0.1 and node port 30080, without backends. */
export function virtualServer(parts: Partial<VirtualServer> = {}): VirtualServer {
  return {
    name: 'default/web:http',
    protocol: 'tcp',
    port: 80,
    addresses: ['10.78.0.1'],
    externalAddresses: [],
    nodePort: 30080,
    backends: [],
    clusterBackends: [],
    externalBackends: [],
    keepsClientAddress: false,
    affinitySeconds: undefined,
    restricted: undefined,
    ...parts,
  }
}

/** These backends, for everybody. */
export function on(...hosts: { address: string }[]) {
  const backends = hosts.map(({ address }) => ({ address, port: 8080 }))
  return { backends, clusterBackends: backends, externalBackends: backends }
}

/** Who answered, each once. */
export const names = (answers: readonly string[]) => [...new Set(answers.map((answer) => answer.split(' ')[0]))].sort()

/** Sets up and takes down a lab around the tests of the `describe` that calls this. */
export function dataplaneLab(serial: number, create: CreateDataplane, family: IpFamily): DataplaneLab {
  const at = inFamily(family)
  const [cluster, place] = [clusterOf(family), placeOf(family)]
  const lab = new NetworkLab(serial)
  const hosts: Partial<Record<'node' | 'one' | 'two' | 'outside', LabHost>> & { plane?: Dataplane } = {}
  before(async () => {
    assert.equal(process.getuid?.(), 0, 'network tests make namespaces and need root')
    const node = await lab.node(at('172.31.77.1'))
    const outside = await lab.outsider(node, 'out', at('172.31.77.2'))
    for (const range of [at('198.51.100.0/24'), cluster.serviceCidr]) await outside.run(['ip', 'route', 'add', range, 'via', node.address])
    const [one, two] = [await lab.pod(node, 'one', at('10.77.1.2')), await lab.pod(node, 'two', at('10.77.1.3'))]
    await Promise.all([one.serve(), two.serve()])
    const plane = create(node, cluster)
    await plane.replace(new Map(), place)
    Object.assign(hosts, { node, outside, one, two, plane })
  })
  after(() => lab.close())
  const there = <T>(part: T | undefined): T => {
    assert.ok(part, 'the lab is there once its tests run')
    return part
  }
  return {
    ...{ at, cluster, place },
    server: (parts) => virtualServer({ addresses: [at('10.78.0.1')], ...parts }),
    get node() {
      return there(hosts.node)
    },
    get one() {
      return there(hosts.one)
    },
    get two() {
      return there(hosts.two)
    },
    get outside() {
      return there(hosts.outside)
    },
    get plane() {
      return there(hosts.plane)
    },
    set plane(plane: Dataplane) {
      hosts.plane = plane
    },
    apply: (service, ...servers) => there(hosts.plane).update(new Map([[service, servers]])),
  }
}
