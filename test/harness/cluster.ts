import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as realDelay } from 'node:timers/promises'
import { settings as apiServerSettings } from '../../apiserver/config.ts'
import { type ApiServer, createApiServer } from '../../apiserver/create-apiserver.ts'
import { localTransport } from '../../apiserver/local-transport.ts'
import { type ControllerSettings, settings as controllerSettings } from '../../controller-manager/config.ts'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import { settings as schedulerSettings } from '../../scheduler/config.ts'
import { createScheduler } from '../../scheduler/create-scheduler.ts'
import type { Client } from '../../shared/client/client.ts'
import { createHttpClient } from '../../shared/client/http-client.ts'
import { type Logger, silentLogger } from '../../shared/logging/logger.ts'
import { readConfig } from '../../shared/process/config.ts'
import type { ProcessTools, Service } from '../../shared/process/run.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { type FragileTransport, fragileTransport } from './fragile-transport.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'

/** Who calls: a call inside the process needs no credentials. */
export interface Caller {
  name: string
  groups: string[]
}

/** What a simulated cluster consists of. */
export interface ClusterOptions {
  /** Controllers by name, as in `--controllers`; default none. */
  controllers?: readonly string[]
  controllerSettings?: Partial<ControllerSettings>
  scheduler?: boolean
  log?: Logger
  seed?: number
}

/** A cluster in this process: the real API server on memory storage, chosen controllers and the scheduler, on virtual time. */
export interface TestCluster {
  readonly clock: ManualClock
  readonly api: ApiServer
  /** A client of an administrator; what it does is settled by `clock.settle`. */
  readonly client: Client
  /** A client of somebody else. */
  clientOf(caller: Caller): Client
  /** What the components are made with; for starting more of them. */
  readonly tools: ProcessTools
  /** Starts one more component and stops it with the cluster. */
  add(service: Service): Promise<void>
  /** Makes the API server unreachable for the components, or reachable again. */
  cut(isCut: boolean): void
  stop(): Promise<void>
}

/** Components have the rights that they really have; what they may not do fails here too. */
function identityOf(userAgent: string): Caller {
  const names = { scheduler: 'system:kube-scheduler', 'controller-manager': 'system:kube-controller-manager' }
  const known = Object.entries(names).find(([part]) => userAgent.endsWith(part))
  return known ? { name: known[1], groups: ['system:authenticated'] } : administrator
}

const administrator: Caller = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }

/** Starts one; `stop` it with `t.after`. Time stands still until the test moves it. */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { controllers = [], log = silentLogger(), seed = 1 } = options
  const clock = manualClock()
  const directory = mkdtempSync(join(tmpdir(), 'cluster-'))
  const tools: ProcessTools = { clock, random: seededRandom(seed), log }
  const args = [`--data-dir=${directory}`, '--storage=memory', '--advertise-address=192.0.2.1', '--secure-port=6443']
  const config = readConfig({ name: 'apiserver', summary: '' }, apiServerSettings, { args, env: {} })
  const api = await createApiServer(config, tools, { listen: false })
  const starting = api.start()
  await untilDone(starting, clock)

  const transports: FragileTransport[] = []
  const connectAs = (caller: Caller, userAgent: string) => {
    const transport = fragileTransport(localTransport(api, caller))
    transports.push(transport)
    return { transport, client: createHttpClient(transport, { clock, userAgent }) }
  }
  clock.whileBusy(() => transports.some((transport) => transport.inFlight > 0))
  const components: FragileTransport[] = []
  const componentTools: ProcessTools = {
    ...tools,
    connect: ({ userAgent }) => {
      const { transport, client } = connectAs(identityOf(userAgent), userAgent)
      components.push(transport)
      return { client, close: () => transport.close() }
    },
  }
  const services: Service[] = []
  const add = async (service: Service) => {
    services.push(service)
    await untilDone(service.start(), clock)
  }
  if (controllers.length > 0) {
    const defaults = readConfig({ name: 'controller-manager', summary: '' }, controllerSettings, { args: [], env: {} })
    const files = {
      rootCaFile: join(directory, 'credentials', 'ca.crt'),
      clusterSigningCertFile: join(directory, 'credentials', 'signing', 'ca.crt'),
      clusterSigningKeyFile: join(directory, 'credentials', 'signing', 'ca.key'),
    }
    const chosen = { ...defaults, ...files, controllers, leaderElect: false, healthPort: 0, ...options.controllerSettings }
    await add(await createControllerManager(chosen, componentTools))
  }
  if (options.scheduler) {
    const defaults = readConfig({ name: 'scheduler', summary: '' }, schedulerSettings, { args: [], env: {} })
    await add(createScheduler({ ...defaults, leaderElect: false, healthPort: 0 }, componentTools))
  }
  await clock.settle()
  return {
    clock,
    api,
    tools: componentTools,
    client: connectAs(administrator, 'test').client,
    clientOf: (caller) => connectAs(caller, caller.name).client,
    add,
    cut: (isCut) => {
      for (const transport of components) transport.cut(isCut)
    },
    async stop() {
      for (const service of services.reverse()) await untilDone(service.stop(), clock)
      for (const transport of transports) transport.close()
      await untilDone(api.stop(), clock)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Starts and stops touch files, so they need a little real time too; virtual time moves on beside it, for what waits for that. */
async function untilDone(work: Promise<void>, clock: ManualClock): Promise<void> {
  let isDone = false
  const settled = work.finally(() => (isDone = true))
  settled.catch(() => {}) // reported below
  await clock.settle()
  for (let step = 1; !isDone; step++) {
    if (step > 10_000) throw new Error('a component neither starts nor stops')
    await realDelay(1)
    await (step % 10 === 0 ? clock.advance(50) : clock.settle())
  }
  await settled
}
