import { hostname } from 'node:os'
import { ByteBudget } from '../shared/limits/byte-budget.ts'
import type { Logger } from '../shared/logging/logger.ts'
import { Metrics } from '../shared/metrics/metrics.ts'
import type { CustomResourceDefinition } from '../shared/openapi/generated/apiextensions-v1.ts'
import { keepPodRoutes, machineIp, type RunIp } from '../shared/pods/keep-pod-routes.ts'
import { ConfigError } from '../shared/process/config.ts'
import { createHealthServer } from '../shared/process/health-server.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { Clock, Timer } from '../shared/time/clock.ts'
import { type Aggregation, createAggregation } from './aggregation/create-aggregation.ts'
import type { Auditor } from './audit/auditor.ts'
import { createAudit } from './audit/create-audit.ts'
import { AddressKeeper } from './bootstrap/address-keeper.ts'
import { ClaimKeeper } from './bootstrap/claim-keeper.ts'
import { ensureAll } from './bootstrap/ensure.ts'
import { requiredFlowSchemas, requiredPriorityLevels } from './bootstrap/flow-control.ts'
import { givenFamiliesProblem } from './bootstrap/given-families.ts'
import { requiredObjects } from './bootstrap/required-objects.ts'
import { ServerLeases } from './bootstrap/server-leases.ts'
import type { ServerCredentials } from './certificates/prepare-credentials.ts'
import { ServerIdentity } from './certificates/server-identity.ts'
import { type ApiServerConfig, deriveConfig } from './config.ts'
import { type Connect, createConnect } from './connect/connect.ts'
import { conversionOf } from './custom-resources/convert-by-webhook.ts'
import { customKind } from './custom-resources/custom-resource.ts'
import { DefinitionKeeper } from './custom-resources/definition/definition-keeper.ts'
import { type PathTools, pathHandlers } from './discovery/paths.ts'
import { FlowControl } from './flowcontrol/flow-control.ts'
import { FlowPolicyFollower } from './flowcontrol/follow-flow-policy.ts'
import { aboutDeed, hoodHandler } from './hood/hood-handler.ts'
import { BodyIntake } from './http/body-intake.ts'
import { ConnectionCounts } from './http/connection-counts.ts'
import type { ApiRequest, Reply } from './http/exchange.ts'
import type { ServerBounds, UpgradeHandler } from './http/server.ts'
import { UpgradeReply } from './http/upgrade.ts'
import { serverMetrics } from './limits/server-metrics.ts'
import { Listeners } from './listeners.ts'
import { openState, type ServerState, type StateParts } from './open-state.ts'
import { type PathHandler, Pipeline } from './pipeline.ts'
import { Expiry } from './registry/expiry.ts'
import type { ObjectReader } from './registry/object-reader.ts'
import { ObjectStore } from './registry/read-object.ts'
import type { CustomKind } from './registry/resource-table.ts'
import { createRewind } from './rewind/create-rewind.ts'
import { Compactor, DEFAULT_RETENTION } from './storage/compaction.ts'
import type { ScrapeNode } from './usage/node-scraper.ts'
import { writeRequestOf } from './verbs/call.ts'
import { WatchHub } from './watch/watch-hub.ts'

/** A running API server, as its process and tests see it. */
export interface ApiServer extends Service {
  /** Where it listens; known after `start`. */
  readonly url: string
  /** Empty when the port without TLS is off. */
  readonly insecureUrl: string
  readonly credentials: ServerCredentials
  /** One request without a socket; `start` must have resolved. */
  handle(request: ApiRequest, reply: Reply): Promise<void>
}

/** What tests replace. */
export interface ApiServerParts extends StateParts {
  /** False: no sockets; requests come through `handle`. Default true. */
  listen?: boolean
  /** Where usage of nodes is read; simulated nodes have no API of their own. Default: their kubelets. */
  scrapeNode?: ScrapeNode
  /** Sets routes. Default: the machine's `ip`. */
  ip?: RunIp
  /** Paths that only this server has. */
  paths?: Readonly<Record<string, PathHandler>>
}

/** How often it is looked whether certificates are due for renewal, in milliseconds: they are for the last third of a year. */
const RENEWAL_INTERVAL = 6 * 60 * 60 * 1000

const UNREADY = 'objects that must exist are still being made'

/** Builds every part of the API server; nothing runs before `start`. */
export async function createApiServer(config: ApiServerConfig, tools: ProcessTools, parts: ApiServerParts = {}): Promise<ApiServer> {
  const { clock, log } = tools
  const derived = deriveConfig(config)
  const metrics = new Metrics()
  const audit = await createAudit(config, { metrics, ...tools })
  const identity = await ServerIdentity.establish({ config, derived, clock: parts.outsideClock ?? clock, log })
  const scrapeNode = parts.scrapeNode ?? ((node: string, signal: AbortSignal) => connect.nodeMetrics(node, signal))
  const state = await openState(config, derived, identity, { ...tools, parts, scrapeNode, metrics })
  const { storage, objects, table, writer } = state
  const policy = {
    ...DEFAULT_RETENTION,
    historyWindow: Math.max(DEFAULT_RETENTION.clientWindow, config.historyRetention),
    historyBytes: config.historyRetentionBytes,
  }
  const compactor = new Compactor({ storage, clock, logger: log, policy })
  const store = new ObjectStore(storage, () => compactor.clientHorizon, clock)
  const bounds = serverBounds(config, clock)
  const watchBounds = { unsent: bounds.unsent, watchesPerUser: config.maxWatchesPerUser }
  const hub = new WatchHub({ store, bounds: watchBounds, clock, log, told: (revision, told) => state.deeds.tell(revision, told) })
  const kindOf = (definition: CustomResourceDefinition) =>
    customKind(definition, conversionOf(definition, { client: state.hooks, random: tools.random }))
  const definitions = new DefinitionKeeper({
    ...{ reader: objects, storage, table, writer, remover: state.remover, clock, log, kindOf },
    retired: (resources) => hub.endWatches(resources),
  })
  const expiry = new Expiry(table, storage, writer, { clock, log })
  const addresses = new AddressKeeper({
    ...{ reader: objects, writer, remover: state.remover, table, clock, log },
    isShared: storage.claims !== undefined,
  })
  const leases = new ServerLeases({
    reader: objects,
    writer,
    remover: state.remover,
    table,
    random: tools.random,
    clock,
    log,
    hostname: hostname(),
  })
  const claims = new ClaimKeeper({ storage, table, objects, clock, log })
  const aggregation = createAggregation({
    ...{ reader: objects, writer, remover: state.remover, table, rule: state.rule, clock, random: tools.random, log },
    frontProxy: () => identity.credentials.frontProxyClient,
  })
  const connect = createConnect({
    reader: objects,
    credentials: () => ({ authority: identity.credentials.authority, ...identity.credentials.kubeletClient }),
    require: state.authorization.require,
    admit: (call, options) => writer.admitOther('CONNECT', writeRequestOf(call, false), options, undefined),
    random: tools.random,
    rule: state.rule,
    log,
  })
  let isReady = false
  const unready = () => (isReady ? undefined : UNREADY)
  const seats = config.maxReadsInFlight + config.maxWritesInFlight
  const flowControl = new FlowControl({ seats, patience: config.requestTimeout / 4, clock })
  const ensureMandatory = () =>
    ensureAll([requiredPriorityLevels(), requiredFlowSchemas()], { writer, remover: state.remover, table, clock })
  const flowPolicy = new FlowPolicyFollower({ reader: objects, writer, table, flowControl, ensureMandatory, clock, log })
  const pipeline = createPipeline({
    ...{ config, tools, state, store, hub, connect, aggregation, identity, flowControl, bounds },
    ...{ issuer: derived.issuer, unready, metrics, auditor: audit?.auditor, kindOf, further: parts.paths },
  })
  const handle = (request: ApiRequest, reply: Reply) => pipeline.handle(request, reply)
  const upgrade: UpgradeHandler = (request, raw, socket, head) =>
    void pipeline.handle(request, new UpgradeReply(raw, socket, head, bounds.unsent))
  const health = createHealthServer(
    { host: '127.0.0.1', port: config.healthPort },
    { live: { ping: () => undefined }, ready: { bootstrap: unready } },
  )
  const listeners = new Listeners({ config, credentials: identity.credentials, handle, upgrade, bounds, clock, log })
  const background = new AbortController()
  let compacting: Promise<void> | undefined
  let renewal: Timer | undefined
  let endRoutes: (() => void) | undefined
  const renew = async () => {
    try {
      listeners.renew((await identity.renew()).serving)
    } catch (error) {
      log.error('could not renew certificates; trying again later', { error })
    }
  }
  return {
    handle,
    get credentials() {
      return identity.credentials
    },
    get url() {
      return listeners.url
    },
    get insecureUrl() {
      return listeners.insecureUrl
    },
    async start() {
      if (config.healthPort !== 0) await health.start()
      hub.start()
      const problem = givenFamiliesProblem(config.serviceClusterIpRange, objects)
      if (problem !== undefined && !config.openDamagedStore) throw new ConfigError(problem)
      state.followAllocations()
      // Before anything is given.
      await claims.start()
      definitions.load()
      aggregation.load()
      state.providers?.start()
      if (parts.listen !== false) {
        await listeners.start()
        await identity.listensOn(Number(new URL(listeners.url).port))
      }
      // A store that is only read keeps what it has.
      if (!config.openDamagedStore)
        await ensureAll(requiredObjects({ ...identity.facts(), isAlone: storage.claims === undefined }, objects), { ...state, clock })
      await objects.caughtUp()
      if (storage.claims) await leases.start(identity.facts())
      flowPolicy.start({ repair: !config.openDamagedStore })
      if (!config.openDamagedStore) {
        definitions.start()
        expiry.start()
        addresses.start()
        await aggregation.start()
      }
      state.encryption.report(storage)
      if (config.encryptionProviderConfigAutomaticReload) state.encryption.follow(storage)
      compacting = compactor.run(background.signal)
      if (config.podRoutes.length > 0) endRoutes = followRoutes(config.podRoutes, objects, parts.ip, log)
      renewal = clock.every(RENEWAL_INTERVAL, renew)
      isReady = true
      log.info('serving', { url: listeners.url, insecureUrl: listeners.insecureUrl || undefined, kinds: table.all().length })
    },
    async stop() {
      isReady = false
      // Nobody is sent here any more before the door closes.
      await leases.stop()
      renewal?.cancel()
      endRoutes?.()
      flowPolicy.stop()
      hub.stop()
      aggregation.close()
      await listeners.stop()
      if (config.healthPort !== 0) await health.stop()
      connect.close()
      state.hooks.close()
      expiry.stop()
      await addresses.stop()
      await claims.stop()
      await aggregation.stop()
      await definitions.stop()
      await state.encryption.stop()
      await state.providers?.stop()
      background.abort()
      await compacting
      objects.close()
      await storage.close()
      await audit?.stop()
    },
  }
}

interface PipelineParts {
  readonly config: ApiServerConfig
  readonly tools: ProcessTools
  readonly state: ServerState
  readonly store: ObjectStore
  readonly hub: WatchHub
  readonly connect: Connect
  readonly aggregation: Aggregation
  readonly identity: ServerIdentity
  readonly flowControl: FlowControl
  readonly bounds: ServerBounds
  readonly metrics: Metrics
  readonly auditor: Auditor | undefined
  readonly issuer: string
  readonly unready: () => string | undefined
  readonly kindOf: (definition: CustomResourceDefinition) => CustomKind
  readonly further: ApiServerParts['paths']
}

/** The request path with everything it passes through. */
function createPipeline(parts: PipelineParts): Pipeline {
  const { config, tools, state, store, hub, connect, aggregation, identity, flowControl, bounds, issuer, unready, auditor } = parts
  const { clock, random, log } = tools
  const { storage, objects, table, writer, remover, authentication, authorization } = state
  const served = (resource: string) => (table.hasPlural(resource) ? resource : undefined)
  const told = serverMetrics({
    ...{ revision: () => storage.revision, watchers: () => hub.size, streams: () => [...connect.counts(), ...aggregation.proxy.counts()] },
    ...{ flowControl, bounds, served, metrics: parts.metrics },
  })
  const verbs = { store, table, objects, writer, remover, hub, clock, random, require: authorization.require }
  const paths: PathTools = {
    ...{ table, issuer, serviceAccountKeys: identity.credentials.serviceAccountKeys },
    serverAddress: () => identity.address,
    remotes: aggregation.services,
    checks: [
      { name: 'ping', live: true, check: () => undefined },
      { name: 'poststarthook/bootstrap', live: false, check: unready },
    ],
    metrics: () => told.render(),
  }
  const aboutChange = (revision: number) => {
    const deed = state.deeds.get(revision)
    return deed && aboutDeed(deed)
  }
  const { history, ...rewind } = createRewind({
    ...{ storage, verbs, paths, log, authorize: authorization.authorize, aboutChange },
    ...{ writerOver: state.writerOver, kindOf: parts.kindOf },
  })
  return new Pipeline({
    ...{ authentication, auditor, authorization, flowControl, table, metrics: told.requests, clock, log, deadline: config.requestTimeout },
    ...{ verbs, ...rewind, paths: pathHandlers({ ...paths, further: { ...parts.further, '/rewind': history } }) },
    hood: hoodHandler({ deeds: state.deeds, storage, table, clock, turns: store.turns, authorize: authorization.authorize }),
    connect: (call) => connect.handle(call),
    remotes: aggregation,
  })
}

function followRoutes(ranges: readonly string[], reader: ObjectReader, ip: RunIp = machineIp, log: Logger): () => void {
  return keepPodRoutes({ follow: (listener) => reader.follow('v1', 'Node', listener), ranges, ip, log })
}

function serverBounds(config: ApiServerConfig, clock: Clock): ServerBounds {
  return {
    connections: new ConnectionCounts({ total: config.maxConnections, perAddress: config.maxConnectionsPerAddress }),
    intake: new BodyIntake(clock, new ByteBudget(config.maxBodyBytes)),
    unsent: new ByteBudget(config.maxUnsentBytes),
  }
}
