import type { ApiVersion, KindOf, ObjectOf } from '../shared/client/client.ts'
import type { Pod } from '../shared/openapi/generated/core-v1.ts'
import { type ClusterOptions, type InProcessCluster, startCluster } from './cluster.ts'
import { type SimulatedMachine, type SimulatedMachineOptions, simulatedMachine } from './machines/simulated-machine.ts'

interface Options extends ClusterOptions {
  /** How many machines, named `node-1` and so on; default 3. */
  nodes?: number
  machine?: Omit<SimulatedMachineOptions, 'name'>
}

/** A cluster with machines, and the questions tests ask of it. All waiting is on virtual time. */
export interface SimulatedCluster extends InProcessCluster {
  readonly machines: readonly SimulatedMachine[]
  machine(name: string): SimulatedMachine
  addMachine(options: SimulatedMachineOptions): Promise<SimulatedMachine>
  /** Objects of a kind, in a namespace (default `default`; undefined: all). */
  list<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, namespace?: string): Promise<ObjectOf<V, K>[]>
  get<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, name: string, namespace?: string): Promise<ObjectOf<V, K>>
  /** The object, or undefined when there is none. */
  find<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, name: string, namespace?: string): Promise<ObjectOf<V, K> | undefined>
  /** Pods of namespace `default`. */
  pods(): Promise<Pod[]>
  /** Moves time until the condition holds. @throws Error with `describe`'s words when it never does */
  until(describe: string, condition: () => Promise<unknown> | unknown, within?: number, step?: number): Promise<void>
  /** Calls `check` after each step of `milliseconds / steps`. */
  watchFor(milliseconds: number, check: () => Promise<void> | void, step?: number): Promise<void>
  /** Messages of the Events of this reason. */
  eventMessages(reason: string, namespace?: string): Promise<string[]>
}

const STEP_MILLISECONDS = 50

/** Whose end is the cluster's, too: a test's context is one. */
export interface Scope {
  after(end: () => Promise<void>): void
}

/** Starts one and stops it with its scope. */
export async function startSimulatedCluster(context: Scope, options: Options = {}): Promise<SimulatedCluster> {
  const cluster = await startCluster({ controllers: ['*'], scheduler: true, ...options })
  context.after(() => cluster.stop())
  const { clock, client } = cluster
  const machines: SimulatedMachine[] = []
  const addMachine = async (machine: SimulatedMachineOptions) => {
    const { clock, tools } = cluster
    const connected = tools.connect?.({ kubeconfig: undefined, clock, userAgent: machine.name })
    if (!connected) throw new Error('a simulated cluster connects in process')
    const made = simulatedMachine(connected.client, tools, { ...options.machine, ...machine })
    machines.push(made)
    await made.start()
    await clock.settle()
    return made
  }
  const namespaced = (v: ApiVersion, k: string) => !CLUSTER_SCOPED.has(`${v}/${k}`)
  const simulated: SimulatedCluster = {
    ...cluster,
    machines,
    addMachine,
    machine(name) {
      const found = machines.find((machine) => machine.name === name)
      if (!found) throw new Error(`there is no machine ${name}`)
      return found
    },
    async list(v, k, namespace = 'default') {
      return (await client.list(v, k, namespaced(v, k) ? { namespace } : {})).items
    },
    get: (v, k, name, namespace = 'default') => client.get(v, k, namespaced(v, k) ? { namespace, name } : { name }),
    async find(v, k, name, namespace) {
      return (await simulated.list(v, k, namespace)).find(({ metadata }) => metadata.name === name)
    },
    pods: () => simulated.list('v1', 'Pod'),
    async until(describe, condition, within = 60_000, step = STEP_MILLISECONDS) {
      const end = clock.now() + within
      for (;;) {
        await clock.settle()
        if (await condition()) return
        if (clock.now() >= end) throw new Error(`${describe}: not so after ${within} ms\n${await summary(simulated)}`)
        await clock.advance(step)
      }
    },
    async watchFor(milliseconds, check, step = STEP_MILLISECONDS) {
      for (let passed = 0; passed < milliseconds; passed += step) {
        await clock.advance(step)
        await check()
      }
    },
    async eventMessages(reason, namespace = 'default') {
      const events = await simulated.list('v1', 'Event', namespace)
      return events.filter((event) => event.reason === reason).map((event) => event.message ?? '')
    },
  }
  for (let index = 1; index <= (options.nodes ?? 3); index += 1) await addMachine({ name: `node-${index}`, ...options.machine })
  context.after(async () => {
    for (const machine of machines) await machine.kill()
  })
  return simulated
}

const CLUSTER_SCOPED = new Set(['v1/Node', 'v1/Namespace', 'certificates.k8s.io/v1/CertificateSigningRequest'])

/** What a failed wait shows: enough to see what stands still. */
async function summary(cluster: SimulatedCluster): Promise<string> {
  const nodes = (await cluster.list('v1', 'Node')).map((node) => {
    const ready = node.status.conditions?.find(({ type }) => type === 'Ready')?.status
    return `node ${node.metadata.name} ready=${ready} taints=${(node.spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).join(',')}`
  })
  const deployments = (await cluster.list('apps/v1', 'Deployment')).map(
    ({ metadata, spec, status }) => `deployment ${metadata.name} wants=${spec.replicas} status=${JSON.stringify(status)}`,
  )
  const sets = (await cluster.list('apps/v1', 'ReplicaSet')).map(
    ({ metadata, spec, status }) => `set ${metadata.name} wants=${spec.replicas} status=${JSON.stringify(status)}`,
  )
  const pods = (await cluster.pods()).map((pod) => {
    const ready = pod.status.conditions?.find(({ type }) => type === 'Ready')?.status
    const going = pod.metadata.deletionTimestamp === undefined ? '' : ' going'
    return `pod ${pod.metadata.name} on ${pod.spec.nodeName} ${pod.status.phase} ready=${ready}${going}`
  })
  return [...nodes, ...deployments, ...sets, ...pods].join('\n')
}
