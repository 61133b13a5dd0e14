import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { ContainerConfig } from '../../kubelet/runtime/container-runtime.ts'
import type { Behaviour } from '../../kubelet/runtime/simulated-behaviour.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { startCluster } from '../../simulation/cluster.ts'
import { type SimulatedNodeOptions, simulatedNode } from './simulated-node.ts'

type Behaviours = (config: ContainerConfig) => Behaviour

/** The real API server, one node whose containers behave as told, and virtual time. */
export async function podBench(context: TestContext, behave: Behaviours = () => ({}), more: Partial<SimulatedNodeOptions> = {}) {
  const cluster = await startCluster()
  context.after(() => cluster.stop())
  const { client, clock, tools } = cluster
  await client.create('v1', 'ServiceAccount', { metadata: { name: 'default' } }, { namespace: 'default' })
  await client.create('v1', 'Node', { metadata: { name: 'n1' } })
  const said: string[] = []
  const record = (_about: KubeObject, _type: string, reason: string, message: string) => void said.push(`${reason}: ${message}`)
  const events = { record, flush: async () => {} }
  const newNode = (runtime: SimulatedNodeOptions['runtime'] = {}) =>
    simulatedNode({ name: 'n1', client, tools, events, runtime: { script: behave, ...runtime }, ...more })
  let node = newNode(more.runtime)
  await cluster.add({ start: () => node.start(), stop: () => node.stop() })

  const start = async (name: string, spec: object = {}, metadata: object = {}) => {
    const container = { name: 'main', image: 'app:1', ...('main' in spec ? (spec.main as object) : {}) }
    const { main: _, ...rest } = spec as { main?: object }
    const draft = { metadata: { name, ...metadata }, spec: { nodeName: 'n1', containers: [container], ...rest } }
    await client.create('v1', 'Pod', draft, { namespace: 'default' })
    await clock.settle()
  }
  const get = (name: string): Promise<Pod> => client.get('v1', 'Pod', { namespace: 'default', name })
  return {
    ...{ cluster, client, clock, said, start, get },
    get node() {
      return node
    },
    /** The kubelet goes and comes back; what ran in the runtime went on meanwhile. */
    async restart() {
      await node.stop()
      node = newNode({ state: node.state })
      await node.start()
      await clock.settle()
    },
    async phase(name: string) {
      return (await get(name)).status.phase
    },
    async main(name: string) {
      const [status] = (await get(name)).status.containerStatuses ?? []
      assert.ok(status, 'the pod has a container status')
      return status
    },
    conditions: async (name: string) =>
      Object.fromEntries(((await get(name)).status.conditions ?? []).map(({ type, status }) => [type, status])),
    isThere: async (name: string) =>
      (await client.list('v1', 'Pod', { namespace: 'default' })).items.some(({ metadata }) => metadata.name === name),
  }
}
