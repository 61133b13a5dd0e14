import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { settings as apiServerSettings } from '../apiserver/config.ts'
import { type ApiServer, type ApiServerParts, createApiServer } from '../apiserver/create-apiserver.ts'
import { localTransport } from '../apiserver/local-transport.ts'
import type { ObjectFacts } from '../apiserver/registry/object-facts.ts'
import { createMemoryStorage, type MemoryStorageOptions } from '../apiserver/storage/memory-storage.ts'
import type { Storage, StorageOptions } from '../apiserver/storage/storage.ts'
import type { ScrapeNode } from '../apiserver/usage/node-scraper.ts'
import { type ControllerSettings, settings as controllerSettings } from '../controller-manager/config.ts'
import { createControllerManager } from '../controller-manager/create-controller-manager.ts'
import { settings as schedulerSettings } from '../scheduler/config.ts'
import { createScheduler } from '../scheduler/create-scheduler.ts'
import type { Client } from '../shared/client/client.ts'
import { createHttpClient } from '../shared/client/http-client.ts'
import type { Transport } from '../shared/client/transport.ts'
import { type Logger, silentLogger } from '../shared/logging/logger.ts'
import { readConfig } from '../shared/process/config.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import { type Random, seededRandom } from '../shared/random/random.ts'
import type { Clock } from '../shared/time/clock.ts'
import { type FragileTransport, fragileTransport } from './faults/fragile-transport.ts'
import { type ManualClock, manualClock } from './time/manual-clock.ts'
import { untilDone } from './time/until-done.ts'

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
  storage?: Pick<MemoryStorageOptions<ObjectFacts>, 'medium' | 'initial'>
  /** Default: one that begins in 2030. */
  clock?: ManualClock
  /** Serves over TLS on a free port of loopback, too, to clients that live by this clock. Default: only in process. */
  outsideClock?: Clock
  /** Paths that only this cluster's server has. */
  paths?: ApiServerParts['paths']
  /** Where its server connects to on behalf of others. Default: as any server does. */
  rule?: ApiServerParts['rule']
  /** Names the accounts of components when chance is not to be repeatable. Default: by `seed`. */
  random?: Random
  /** What simulated nodes say they use; default: nothing, because they have no API of their own. */
  scrapeNode?: ScrapeNode
  /** More flags of the API server. Routes are never set on this machine. */
  apiServerFlags?: readonly string[]
}

/** A cluster in this process: the real API server on memory storage, chosen controllers and the scheduler, on virtual time. */
export interface InProcessCluster {
  readonly clock: ManualClock
  readonly api: ApiServer
  /** A client of an administrator; what it does is settled by `clock.settle`. */
  readonly client: Client
  /** A client of somebody else. */
  clientOf(caller: Caller): Client
  /** The connection of a component, by the name it calls itself, or of somebody else: for components on connections with more faults than `cut`. */
  transportOf(component: string | Caller): Transport
  /** Where credentials are. */
  readonly directory: string
  /** What the controller manager here is, or would be, started with. */
  readonly controllerSettings: ControllerSettings
  /** What the components are made with; for starting more of them. */
  readonly tools: ProcessTools
  /** Starts one more component and stops it with the cluster. */
  add(service: Service): Promise<void>
  /** Makes the API server unreachable for the components, or reachable again. */
  cut(isCut: boolean): void
  /** Each component's connection, for faults that do not meet all. */
  readonly connections: readonly FragileTransport[]
  /** Ends the API server as a crash does (answers are lost, what was stored stays) and starts another one on the same store. */
  restartApi(): Promise<void>
  stop(): Promise<void>
}

/** Components have the rights that they really have; what they may not do fails here too. */
function identityOf(userAgent: string): Caller {
  // The longer of two names that end alike comes first.
  const names = {
    'cloud-controller-manager': 'system:cloud-controller-manager',
    ...{ scheduler: 'system:kube-scheduler', 'controller-manager': 'system:kube-controller-manager' },
  }
  const known = Object.entries(names).find(([part]) => userAgent.endsWith(part))
  return known ? { name: known[1], groups: ['system:authenticated'] } : administrator
}

const administrator: Caller = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }

/** Knows which requests wait for time to pass (for an account that a controller should make): who moves the time must not wait for those. */
function requestsAsleep(clock: ManualClock) {
  const current = new AsyncLocalStorage<object>()
  const asleep = new Set<object>()
  const sleep: Clock['sleep'] = async (milliseconds, signal) => {
    const request = current.getStore()
    if (!request) return clock.sleep(milliseconds, signal)
    asleep.add(request)
    try {
      await clock.sleep(milliseconds, signal)
    } finally {
      asleep.delete(request)
    }
  }
  return {
    clock: { ...clock, sleep },
    get count() {
      return asleep.size
    },
    during(handle: () => Promise<void>): Promise<void> {
      const request = {}
      return current.run(request, handle).finally(() => asleep.delete(request))
    },
  }
}

/** Starts one; `stop` it with `t.after`. Time stands still until the test moves it. */
export async function startCluster(options: ClusterOptions = {}): Promise<InProcessCluster> {
  const { controllers = [], log = silentLogger(), seed = 1 } = options
  const clock = options.clock ?? manualClock()
  const directory = mkdtempSync(join(tmpdir(), 'cluster-'))
  const tools: ProcessTools = { clock, random: options.random ?? seededRandom(seed), log }
  const args = [`--data-dir=${directory}`, '--storage=memory', '--advertise-address=192.0.2.1']
  const { outsideClock, paths, rule } = options
  args.push(...(outsideClock ? ['--bind-address=127.0.0.1', '--secure-port=0'] : ['--secure-port=6443']))
  args.push(...(options.apiServerFlags ?? []))
  const config = readConfig({ name: 'apiserver', summary: '' }, apiServerSettings, { args, env: {} })
  const sleepers = requestsAsleep(clock)
  let storage: Storage<ObjectFacts> | undefined
  const openStorage = (storageOptions: StorageOptions<ObjectFacts>) =>
    (storage ??= outliving(createMemoryStorage({ ...storageOptions, ...options.storage })))
  const startApi = async () => {
    const scrapeNode = options.scrapeNode ?? (() => Promise.reject(new Error('a simulated node has no API of its own')))
    const outside = {
      listen: outsideClock !== undefined,
      ...(outsideClock ? { outsideClock } : {}),
      ...(paths ? { paths } : {}),
      ...(rule ? { rule } : {}),
    }
    const parts = { ...outside, openStorage, scrapeNode, ip: async () => {} }
    const made = await createApiServer(config, { ...tools, clock: sleepers.clock }, parts)
    await untilDone(made.start(), clock)
    return made
  }
  let api = await startApi()
  const present: Pick<ApiServer, 'handle'> = { handle: (request, reply) => sleepers.during(() => api.handle(request, reply)) }

  const transports: FragileTransport[] = []
  const connectAs = (caller: Caller, userAgent: string) => {
    const transport = fragileTransport(localTransport(present, caller))
    transports.push(transport)
    return { transport, client: createHttpClient(transport, { clock, userAgent }) }
  }
  clock.whileBusy(() => transports.reduce((sum, { inFlight }) => sum + inFlight, 0) > sleepers.count)
  const components: FragileTransport[] = []
  const componentTools: ProcessTools = {
    ...tools,
    connect: ({ userAgent }) => {
      const { transport, client } = connectAs(identityOf(userAgent), userAgent)
      components.push(transport)
      return { client, transport, anonymous: transport, close: () => transport.close() }
    },
  }
  const services: Service[] = []
  const add = async (service: Service) => {
    services.push(service)
    await untilDone(service.start(), clock)
  }
  const chosen: ControllerSettings = {
    ...readConfig({ name: 'controller-manager', summary: '' }, controllerSettings, { args: [], env: {} }),
    rootCaFile: join(directory, 'credentials', 'ca.crt'),
    clusterSigningCertFile: join(directory, 'credentials', 'signing', 'ca.crt'),
    clusterSigningKeyFile: join(directory, 'credentials', 'signing', 'ca.key'),
    ...{ controllers, leaderElect: false, healthPort: 0 },
    ...options.controllerSettings,
  }
  if (controllers.length > 0) await add(await createControllerManager(chosen, componentTools))
  if (options.scheduler) {
    const defaults = readConfig({ name: 'scheduler', summary: '' }, schedulerSettings, { args: [], env: {} })
    await add(createScheduler({ ...defaults, leaderElect: false, healthPort: 0 }, componentTools))
  }
  await clock.settle()
  return {
    clock,
    get api() {
      return api
    },
    connections: components,
    directory,
    async restartApi() {
      for (const transport of transports) transport.cut(true)
      await untilDone(api.stop(), clock)
      api = await startApi()
      for (const transport of transports) transport.cut(false)
    },
    tools: componentTools,
    client: connectAs(administrator, 'test').client,
    clientOf: (caller) => connectAs(caller, caller.name).client,
    transportOf: (of) => (typeof of === 'string' ? connectAs(identityOf(of), of) : connectAs(of, of.name)).transport,
    controllerSettings: chosen,
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

/** A store that a server's end does not end. */
function outliving<F>(storage: Storage<F>): Storage<F> {
  return new Proxy(storage, {
    get(target, name) {
      if (name === 'close') return async () => {}
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
