import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { CloudProvider } from '../../cloud-controller-manager/provider.ts'
import { TryLater } from '../../cloud-controller-manager/provider.ts'
import type { LoadBalancerStatus, Node, Service, ServiceSpec } from '../../shared/openapi/generated/core-v1.ts'

/** A provider in a world of its own, and what the suite may do there. */
export interface ProviderSubject {
  readonly provider: CloudProvider
  /** A machine, running. Its node has the answered addresses and no provider id. */
  addMachine(name: string): Node
  /** Absent where the provider knows no machines but by their nodes. */
  readonly machines?: { remove(name: string): void; switchOff(name: string): void }
  /** The Service is in the API, as the controller sees it. */
  keep(service: Service): void
  /** Time passes: what is under way ends. */
  pass(milliseconds: number): Promise<void>
  /** How many load balancers there are that somebody pays for. */
  count(): number
}

const signal = new AbortController().signal

/** The suite every provider must pass. */
export function cloudProviderSuite(name: string, create: () => ProviderSubject | Promise<ProviderSubject>): void {
  const service = (title: string, spec: Partial<ServiceSpec> = {}): Service => ({
    ...{ apiVersion: 'v1', kind: 'Service' },
    metadata: {
      name: title,
      namespace: 'default',
      uid: `${title}-0000-4000-8000`,
      creationTimestamp: '2030-01-01T00:00:00Z',
      resourceVersion: '1',
    },
    spec: { type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP', nodePort: 30_080, targetPort: 8080 }], ...spec },
    status: { loadBalancer: {} },
  })
  const withParts = async () => {
    const subject = await create()
    const { instances, loadBalancers } = subject.provider
    assert.ok(instances && loadBalancers)
    /** As the controller does it: later is later, and what was given is written down. */
    const ensure = async (wanted: Service, nodes: readonly Node[]): Promise<LoadBalancerStatus> => {
      for (let turn = 0; ; turn++) {
        try {
          const status = await loadBalancers.ensure(wanted, nodes, signal)
          subject.keep({ ...wanted, status: { loadBalancer: status } })
          return status
        } catch (error) {
          if (!(error instanceof TryLater) || turn > 50) throw error
          await subject.pass(error.afterMilliseconds)
        }
      }
    }
    return { ...subject, instances, loadBalancers, ensure }
  }

  it(`${name}: a machine has an id for life and the addresses that its node had`, async () => {
    const { instances, addMachine } = await withParts()
    const node = addMachine('worker-1')
    const first = await instances.metadata(node, signal)
    assert.match(first?.providerID ?? '', /^[a-z]+:\/\/\S+$/)
    const known = { ...node, spec: { ...node.spec, providerID: first?.providerID } }
    assert.deepEqual(await instances.metadata(known, signal), first)
    assert.equal(await instances.exists(known, signal), true)
    assert.equal(await instances.isShutDown(known, signal), false)
    assert.ok((first?.addresses.length ?? 0) > 0)
  })

  it(`${name}: machines that are off or gone are told apart from those that run`, async (context) => {
    const { instances, addMachine, machines, pass } = await withParts()
    if (!machines) return context.skip('knows machines by their nodes alone')
    const nodes = ['worker-1', 'worker-2'].map(addMachine)
    const known = await Promise.all(
      nodes.map(async (node) => ({ ...node, spec: { providerID: (await instances.metadata(node, signal))?.providerID } })),
    )
    machines.switchOff('worker-1')
    machines.remove('worker-2')
    // Providers may answer from what they heard a few seconds ago.
    await pass(15_000)
    const seen = await Promise.all(
      known.map(async (node) => ({ exists: await instances.exists(node, signal), isOff: await instances.isShutDown(node, signal) })),
    )
    assert.deepEqual(seen, [
      { exists: true, isOff: true },
      { exists: false, isOff: false },
    ])
  })

  it(`${name}: a Service gets a way in, the same each time; another gets another`, async () => {
    const { loadBalancers, ensure, addMachine, count } = await withParts()
    const nodes = ['worker-1', 'worker-2'].map(addMachine)
    const [web, shop] = [service('web'), service('shop')]
    assert.equal(await loadBalancers.find(web, signal), undefined)
    const first = await ensure(web, nodes)
    assert.ok((first.ingress ?? []).length > 0)
    const kept = { ...web, status: { loadBalancer: first } }
    assert.deepEqual(await ensure(kept, nodes), first)
    assert.deepEqual(await ensure(kept, nodes.slice(1)), first, 'other nodes, the same address')
    assert.deepEqual(
      (await loadBalancers.find(kept, signal))?.ingress?.map(({ ip }) => ip),
      first.ingress?.map(({ ip }) => ip),
    )
    const second = await ensure(shop, nodes)
    assert.notDeepEqual(second.ingress?.[0]?.ip, first.ingress?.[0]?.ip)
    assert.equal(count(), 2)
  })

  it(`${name}: what is deleted is gone, also twice, and also when it never was`, async () => {
    const { loadBalancers, ensure, addMachine, keep, pass, count } = await withParts()
    const web = service('web')
    const status = await ensure(web, [addMachine('worker-1')])
    const kept = { ...web, status: { loadBalancer: status } }
    await loadBalancers.delete(kept, signal)
    keep({ ...web, status: { loadBalancer: {} } })
    await pass(60_000)
    assert.equal(await loadBalancers.find(web, signal), undefined)
    await loadBalancers.delete(web, signal)
    await loadBalancers.delete(service('never'), signal)
    assert.equal(count(), 0)
  })

  it(`${name}: without nodes there is a way in that leads nowhere, and no failure`, async () => {
    const { ensure } = await withParts()
    assert.ok((await ensure(service('web'), [])).ingress?.length)
  })
}
