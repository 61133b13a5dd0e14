// A whole cluster in this process on real time: API server, controllers, scheduler, and machines whose containers are entries in a
// table. How long until all nodes are Ready, until all pods of Deployments run, and until they are gone again, and how many requests each takes. `tools/node bench/simulated-cluster.ts [nodes] [pods]`
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { settings as apiServerSettings } from '../apiserver/config.ts'
import { createApiServer } from '../apiserver/create-apiserver.ts'
import { localTransport } from '../apiserver/local-transport.ts'
import { settings as controllerSettings } from '../controller-manager/config.ts'
import { createControllerManager } from '../controller-manager/create-controller-manager.ts'
import { settings as schedulerSettings } from '../scheduler/config.ts'
import { createScheduler } from '../scheduler/create-scheduler.ts'
import type { Client } from '../shared/client/client.ts'
import { createHttpClient } from '../shared/client/http-client.ts'
import { createInformers } from '../shared/informer/shared-informers.ts'
import { silentLogger } from '../shared/logging/logger.ts'
import { readConfig } from '../shared/process/config.ts'
import type { ProcessTools } from '../shared/process/run.ts'
import { systemRandom } from '../shared/random/random.ts'
import { realClock } from '../shared/time/clock.ts'
import { simulatedMachine } from '../simulation/machines/simulated-machine.ts'
import { deployment } from '../test/harness/workloads.ts'

const NODES = Number(process.argv[2] ?? 1_000)
const PODS = Number(process.argv[3] ?? 2_000)
/** Deployments that share the pods. */
const DEPLOYMENTS = 20
const LONGEST_MILLISECONDS = 600_000

const directory = mkdtempSync(join(tmpdir(), 'bench-cluster-'))
const clock = realClock()
const tools: ProcessTools = { clock, random: systemRandom(), log: silentLogger() }
const args = [`--data-dir=${directory}`, '--storage=memory', '--advertise-address=192.0.2.1']
const api = await createApiServer(readConfig({ name: 'apiserver', summary: '' }, apiServerSettings, { args, env: {} }), tools, {
  listen: false,
})
await api.start()
const local = localTransport(api, { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] })
let requests = 0
const transport: typeof local = {
  ...local,
  send(request) {
    requests += 1
    return local.send(request)
  },
}
const clientOf = (userAgent: string): Client => createHttpClient(transport, { clock, userAgent })
const connected: ProcessTools = {
  ...tools,
  connect: ({ userAgent }) => ({ client: clientOf(userAgent), transport, anonymous: transport, close() {} }),
}
const files = {
  rootCaFile: join(directory, 'credentials', 'ca.crt'),
  clusterSigningCertFile: join(directory, 'credentials', 'signing', 'ca.crt'),
  clusterSigningKeyFile: join(directory, 'credentials', 'signing', 'ca.key'),
}
const defaults = readConfig({ name: 'controller-manager', summary: '' }, controllerSettings, { args: [], env: {} })
const manager = await createControllerManager(
  { ...defaults, ...files, clusterCidr: ['10.0.0.0/8'], leaderElect: false, healthPort: 0 },
  connected,
)
const schedulerDefaults = readConfig({ name: 'scheduler', summary: '' }, schedulerSettings, { args: [], env: {} })
const scheduler = createScheduler({ ...schedulerDefaults, leaderElect: false, healthPort: 0 }, connected)
await Promise.all([manager.start(), scheduler.start()])

const client = clientOf('bench')
const eyes = createInformers({ client, ...tools })
const seen = { Node: eyes.of('v1', 'Node'), Pod: eyes.of('v1', 'Pod') }
eyes.start(new AbortController().signal)

/** Milliseconds from `began` until so many objects satisfy the condition; with caches, because a watch that is too slow is broken off. */
function until(kind: keyof typeof seen, count: number, began: number, isDone: (object: object) => boolean): Promise<number> {
  const done = new Set<string>()
  return new Promise((resolve, reject) => {
    const timer = clock.after(LONGEST_MILLISECONDS, () =>
      reject(new Error(`only ${done.size} of ${count} ${kind}s after ${LONGEST_MILLISECONDS} ms`)),
    )
    const look = (key: string, current: object | undefined) => {
      if (current && isDone(current)) done.add(key)
      else done.delete(key)
      if (done.size !== count) return
      timer.cancel()
      resolve(clock.monotonic() - began)
    }
    seen[kind].onChange(look)
    if (count === 0) for (const object of seen.Pod.cache.list()) done.add(`${object.metadata.namespace}/${object.metadata.name}`)
  })
}

interface Facts {
  spec: { taints?: unknown[]; podCIDR?: string }
  status: { phase?: string; conditions?: { type: string; status: string }[] }
}
const isReady = ({ status }: Facts) => status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true
let usedBefore = process.cpuUsage()
/** Processor time beside the time of the clock: on a busy machine it is the one to compare. */
const report = (what: string, count: number, milliseconds: number) => {
  const { user, system } = process.cpuUsage(usedBefore)
  usedBefore = process.cpuUsage()
  const each = (requests / count).toFixed(1).padStart(5)
  requests = 0
  const seconds = (milliseconds / 1_000).toFixed(2).padStart(6)
  const rate = ((count * 1_000) / milliseconds).toFixed(0).padStart(6)
  console.log(
    `  ${what.padEnd(30)} ${seconds} s  ${rate} per s  ${((user + system) / 1e6).toFixed(2).padStart(6)} s of processor  ${each} requests each`,
  )
}

console.log(`simulated cluster in one process: ${NODES} nodes, ${PODS} pods`)
const joined = clock.monotonic()
const nodesReady = until(
  'Node',
  NODES,
  joined,
  (node) => isReady(node as Facts) && !(node as Facts).spec.taints?.length && (node as Facts).spec.podCIDR !== undefined,
)
const machines = Array.from({ length: NODES }, (_, index) => {
  const name = `node-${index}`
  return simulatedMachine(clientOf(name), tools, { name, script: () => ({ startMilliseconds: 0 }) })
})
await Promise.all(machines.map((machine) => machine.start()))
report('nodes Ready, without taints', NODES, await nodesReady)

const began = clock.monotonic()
const podsRunning = until('Pod', PODS, began, (pod) => isReady(pod as Facts))
for (let index = 0; index < DEPLOYMENTS; index++) {
  await client.create('apps/v1', 'Deployment', deployment(`app-${index}`, Math.floor((PODS + index) / DEPLOYMENTS)))
}
report('pods Running and ready', PODS, await podsRunning)
const leaving = clock.monotonic()
const podsGone = until('Pod', 0, leaving, () => true)
for (let index = 0; index < DEPLOYMENTS; index++) {
  await client.delete('apps/v1', 'Deployment', { namespace: 'default', name: `app-${index}` }, { propagationPolicy: 'Background' })
}
report('pods gone', PODS, await podsGone)
console.log(`  memory ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`)

const usage = process.cpuUsage()
const idle = clock.monotonic()
await clock.sleep(10_000)
const { user, system } = process.cpuUsage(usage)
console.log(`  idle: ${((user + system) / 10 / (clock.monotonic() - idle)).toFixed(1)} % of a core`)
rmSync(directory, { recursive: true, force: true })
process.exit(0)
