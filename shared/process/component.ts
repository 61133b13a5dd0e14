import { accountClients } from '../client/account-clients.ts'
import type { Client } from '../client/client.ts'
import { connectClient } from '../client/connect.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { createHttpClient } from '../client/http-client.ts'
import { createEventRecorder } from '../client/queued-event-recorder.ts'
import { fencedTransport } from '../client/write-fence.ts'
import { type LeaderElectionOptions, runAsLeader } from '../controller/leader-election.ts'
import { Leadership } from '../controller/leadership.ts'
import type { Informers } from '../informer/informer.ts'
import { createInformers } from '../informer/shared-informers.ts'
import { Metrics } from '../metrics/metrics.ts'
import { addProcessMetrics } from '../metrics/process-metrics.ts'
import type { ObjectName } from '../objects/object.ts'
import { type Check, createHealthServer, type HealthAnswer } from './health-server.ts'
import type { ProcessTools, Service } from './run.ts'

/** What every client of the API server is told by its flags. */
export interface ComponentConfig {
  kubeconfig: string
  bindAddress: string
  /** 0 is off. */
  healthPort: number
}

/** What a component's own parts are built with. */
export interface ComponentTools extends ProcessTools {
  client: Client
  /** A client that acts as a service account, made on demand, instead of as the component. */
  actAs(account: ObjectName): Client
  informers: Informers
  events: EventRecorder
  metrics: Metrics
  /** What `client` and every account write only as long as this process leads, where there is an election. */
  leadership: Leadership
  /** Leads as long as the election lets it; at once and for ever where there is none. What Events say of it is written before it is over. */
  lead(election: LeaderElectionOptions | undefined, signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void>
}

/** The part that is particular to a component. */
export interface ComponentWork {
  /** Checks of `/readyz` besides filled caches. */
  ready?: Record<string, Check>
  /** Health paths with words of their own. */
  answers?: Record<string, () => HealthAnswer>
  /** Begins when the caches are filled; resolves after the signal has aborted. Anything else ends the process. */
  run(signal: AbortSignal): Promise<void>
}

/** What field managers and audit call those whose names are other ones, as upstream's programs are called. */
const programs: Readonly<Record<string, string>> = {
  'controller-manager': 'kube-controller-manager',
  'default-scheduler': 'kube-scheduler',
}

/** A process that lives on watches of the API server: client, caches, events, metrics and health around `build`'s work. */
export function createComponent(
  name: string,
  config: ComponentConfig,
  tools: ProcessTools,
  build: (tools: ComponentTools) => ComponentWork,
): Service {
  const { log } = tools
  const stopping = new AbortController()
  const userAgent = programs[name] ?? name
  const { clock, random } = tools
  const connected = (tools.connect ?? connectClient)({ kubeconfig: config.kubeconfig, clock, random, userAgent })
  const leadership = new Leadership(clock)
  const client = createHttpClient(fencedTransport(connected.transport, leadership), { clock, userAgent })
  const anonymous = fencedTransport(connected.anonymous, leadership)
  const actAs = accountClients({ client, anonymous, clock, userAgent })
  const informers = createInformers({ client, ...tools })
  const events = createEventRecorder({ client, ...tools }, { component: name })
  const metrics = new Metrics()
  addProcessMetrics(metrics)
  const lead: ComponentTools['lead'] = async (election, signal, carryOut) => {
    const toTheEnd = async (leading: AbortSignal) => {
      await carryOut(leading)
      await events.flush()
    }
    if (election) await runAsLeader(election, { ...tools, client: connected.client, leadership }, signal, toTheEnd)
    else await toTheEnd(signal)
  }
  const work = build({ ...tools, client, actAs, informers, events, metrics, leadership, lead })
  let synced = false
  const health = createHealthServer(
    { host: config.bindAddress, port: config.healthPort },
    {
      ready: { caches: () => (synced ? undefined : 'the caches are not filled yet'), ...work.ready },
      answers: work.answers ?? {},
      metrics,
    },
  )
  const ended = Promise.withResolvers<void>()
  // Whoever runs us listens to `ended`; a failure before that must not count as one that nobody caught.
  ended.promise.catch(() => undefined)
  let running: Promise<void> = Promise.resolve()
  return {
    ended: ended.promise,
    async start() {
      if (config.healthPort !== 0) await health.start()
      informers.start(stopping.signal)
      try {
        await informers.whenSynced(stopping.signal)
      } catch (error) {
        if (stopping.signal.aborted) return
        throw error
      }
      synced = true
      running = work.run(stopping.signal)
      running.then(() => ended.resolve(), ended.reject)
    },
    async stop() {
      stopping.abort(new Error(`${name} is stopping`))
      await running.catch((error: unknown) => log.warn('the work ended badly', { error }))
      await events.flush()
      connected.close()
      if (config.healthPort !== 0) await health.stop()
    },
  }
}
