import { describe } from 'node:test'
import { HetznerApi } from '../../cloud-controller-manager/providers/hetzner/hetzner-api.ts'
import { HetznerInstances } from '../../cloud-controller-manager/providers/hetzner/hetzner-instances.ts'
import { HetznerLoadBalancers } from '../../cloud-controller-manager/providers/hetzner/hetzner-load-balancers.ts'
import { AddressPool } from '../../cloud-controller-manager/providers/lab/address-pool.ts'
import { LabInstances } from '../../cloud-controller-manager/providers/lab/lab-instances.ts'
import { LabLoadBalancers } from '../../cloud-controller-manager/providers/lab/lab-load-balancers.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { Node, Service } from '../../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { HandSet } from '../harness/hand-set.ts'
import { HetznerCloud, type HetznerCloudOptions } from '../harness/hetzner-cloud.ts'
import { cloudProviderSuite, type ProviderSubject } from './cloud-provider.ts'

const nodeOf = (name: string, address: string): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} },
  status: { addresses: [{ type: 'InternalIP', address }], daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } } } as Node['status'],
})

function lab(): ProviderSubject {
  const services = new HandSet<Service>()
  const provider = {
    name: 'lab',
    instances: new LabInstances(),
    loadBalancers: new LabLoadBalancers(services, AddressPool.parse(['192.0.2.1-192.0.2.9']), manualClock()),
  }
  return {
    provider,
    addMachine: (name) => nodeOf(name, '192.0.2.100'),
    keep: (service) => services.set(objectKey(service), service),
    pass: async () => {},
    count: () => services.cache.list().filter(({ status }) => status.loadBalancer.ingress?.length).length,
  }
}

const hetzner = (options: Omit<HetznerCloudOptions, 'clock'> = {}) => {
  const clock = manualClock()
  const cloud = new HetznerCloud({ clock, ...options })
  const api = new HetznerApi({ endpoint: 'https://api.example/v1', token: { value: cloud.token }, send: cloud.send, clock: moving(clock) })
  const instances = new HetznerInstances(api, clock, undefined)
  const ids = new Map<string, number>()
  return {
    provider: {
      name: 'hetzner',
      instances,
      loadBalancers: new HetznerLoadBalancers(api, instances, { location: 'fsn1', network: undefined }),
    },
    addMachine(name: string) {
      ids.set(name, cloud.addServer(name))
      return nodeOf(name, '203.0.113.1')
    },
    machines: {
      remove: (name: string) => cloud.removeServer(ids.get(name) ?? 0),
      switchOff: (name: string) => cloud.changeServer(ids.get(name) ?? 0, { status: 'off' }),
    },
    keep: () => {},
    pass: (milliseconds: number) => clock.advance(milliseconds),
    count: () => cloud.balancers.length,
  } satisfies ProviderSubject
}

/** Whoever sleeps moves the time. */
function moving(clock: ReturnType<typeof manualClock>) {
  return { ...clock, sleep: (milliseconds: number) => clock.advance(milliseconds) }
}

describe('cloud providers', () => {
  cloudProviderSuite('lab', lab)
  cloudProviderSuite('hetzner', hetzner)
  cloudProviderSuite('hetzner, slow and behind', () => hetzner({ actionMilliseconds: 3_000, listLag: 5_000 }))
})
