import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Metrics } from '../shared/metrics/metrics.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { Timer } from '../shared/time/clock.ts'
import { admissionRules } from './admission/admit.ts'
import { clusterIPs, IpRange } from './allocation/ip-range.ts'
import { nodePorts, PortRange } from './allocation/port-range.ts'
import { createAuthentication } from './authn/authenticate.ts'
import { createAuthorization } from './authz/authorize.ts'
import { ensureAll } from './bootstrap/ensure.ts'
import { requiredObjects } from './bootstrap/required-objects.ts'
import { type CredentialsOptions, prepareCredentials, type ServerCredentials } from './certificates/prepare-credentials.ts'
import { type ApiServerConfig, deriveConfig } from './config.ts'
import { createConnect } from './connect/connect.ts'
import { keepPodRoutes, machineIp } from './connect/pod-routes.ts'
import { pathHandlers } from './discovery/paths.ts'
import type { ApiRequest, Reply } from './http/exchange.ts'
import type { UpgradeHandler } from './http/server.ts'
import { UpgradeReply } from './http/upgrade.ts'
import { InFlight } from './limits/in-flight.ts'
import { RequestMetrics } from './limits/request-metrics.ts'
import { Listeners } from './listeners.ts'
import { Pipeline } from './pipeline.ts'
import type { ResourceDefinition, ResourceServices } from './registry/define-resource.ts'
import { ObjectRemover } from './registry/deletion.ts'
import { Expiry } from './registry/expiry.ts'
import { lateServices } from './registry/late-services.ts'
import { factsFromBytes, type ObjectFacts } from './registry/object-facts.ts'
import { ObjectStore } from './registry/read-object.ts'
import { ResourceTable } from './registry/resource-table.ts'
import { StoredObjects } from './registry/stored-objects.ts'
import { ObjectWriter } from './registry/write-object.ts'
import { loadResources } from './resources/load.ts'
import { Compactor } from './storage/compaction.ts'
import type { Storage, StorageOptions } from './storage/storage.ts'
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
export interface ApiServerParts {
  /** Default: the driver named in the configuration. */
  openStorage?: (options: StorageOptions<ObjectFacts>) => Storage<ObjectFacts> | Promise<Storage<ObjectFacts>>
  /** Default: every kind that has a file in resources/. */
  loadDefinitions?: (services: ResourceServices) => Promise<ResourceDefinition[]>
  /** False: no sockets; requests come through `handle`. Default true. */
  listen?: boolean
}

/** How often it is looked whether certificates are due for renewal, in milliseconds: they are for the last third of a year. */
const RENEWAL_INTERVAL = 6 * 60 * 60 * 1000

/** What a server that does not listen says its port is. */
const DEFAULT_PORT = 6443

/** Builds every part of the API server; nothing runs before `start`. */
export async function createApiServer(config: ApiServerConfig, tools: ProcessTools, parts: ApiServerParts = {}): Promise<ApiServer> {
  const { clock, random, log } = tools
  const { serviceAddress, issuer, advertiseAddress, nodePortRange } = deriveConfig(config)
  const credentialsOptions = (port: number): CredentialsOptions => ({
    dataDirectory: config.dataDir,
    credentialsDirectory: config.credentialsDir ?? join(config.dataDir, 'credentials'),
    advertiseUrl: config.advertiseUrl ?? `https://127.0.0.1:${port}`,
    ...{ serviceAddress, clusterDomain: config.clusterDomain, hostname: hostname() },
    extraNames: [...config.tlsSan, advertiseAddress],
    ...{ clock, log },
  })
  const credentials = prepareCredentials(credentialsOptions(config.securePort))

  // Kinds are built with services that themselves read kinds: the services are named now and filled in below.
  const late = lateServices()
  const table = new ResourceTable(await (parts.loadDefinitions ?? loadResources)(late.services))
  const storage = await openStorage(config, tools, { facts: factsFromBytes(table), clock }, parts)
  const objects = new StoredObjects(storage, table)
  const authentication = createAuthentication({
    ...{ reader: objects, clock, random, log, serviceAccountKeys: credentials.serviceAccountKeys, issuer },
    ...{ tokenFile: config.tokenFile && readFileSync(config.tokenFile, 'utf8'), anonymous: config.anonymousAuth },
  })
  const authorization = createAuthorization(objects)
  const ips = new IpRange(config.serviceClusterIpRange)
  const ports = new PortRange(nodePortRange.first, nodePortRange.last)
  late.fill({
    ...{ clusterIPs: clusterIPs(ips, random), nodePorts: nodePorts(ports, random) },
    tokens: authentication.tokens,
    authorize: authorization.authorize,
    rulesFor: authorization.rulesFor,
    grants: authorization.grants,
  })

  const rules = admissionRules({ authorize: authorization.authorize, tolerationSeconds: config.defaultTolerationSeconds })
  const writer = new ObjectWriter({ storage, objects, rules, clock, random })
  const remover = new ObjectRemover(storage, objects, writer, () => clock.now())
  const compactor = new Compactor({ storage, clock, logger: log })
  const store = new ObjectStore(storage, () => compactor.clientHorizon)
  const hub = new WatchHub(store, table, clock, log)
  const expiry = new Expiry(table, storage, writer, { clock, log })
  const background = new AbortController()
  const metrics = new Metrics()
  const requestMetrics = new RequestMetrics(metrics)
  const inFlight = new InFlight({ reads: config.maxReadsInFlight, writes: config.maxWritesInFlight })
  metrics.gaugeFrom('apiserver_storage_revision', 'The newest revision of the store.', () => storage.revision)
  metrics.gaugeFrom('apiserver_watchers', 'Open watches.', () => hub.size)
  metrics.gaugeFrom('apiserver_current_inflight_requests', 'Requests being worked on.', () => [
    [{ request_kind: 'readOnly' }, inFlight.reads],
    [{ request_kind: 'mutating' }, inFlight.writes],
  ])

  const connect = createConnect({
    reader: objects,
    credentials: () => ({ authority: credentials.authority, ...credentials.kubeletClient }),
    require: authorization.require,
    random,
  })
  let isReady = false
  let endRoutes: (() => void) | undefined
  let renewal: Timer | undefined
  let compacting: Promise<void> | undefined
  const pipeline = new Pipeline({
    ...{ authentication, authorization, inFlight, table, metrics: requestMetrics, clock, log, deadline: config.requestTimeout },
    verbs: { store, objects, writer, remover, hub, clock, random },
    paths: pathHandlers({
      ...{ resources: table.all(), issuer, serviceAccountKeys: credentials.serviceAccountKeys },
      serverAddress: () => (listeners.url ? new URL(listeners.url).host : `${advertiseAddress}:${config.securePort || DEFAULT_PORT}`),
      checks: [
        { name: 'ping', live: true, check: () => undefined },
        {
          name: 'poststarthook/bootstrap',
          live: false,
          check: () => (isReady ? undefined : 'objects that must exist are still being made'),
        },
      ],
      metrics: () => {
        requestMetrics.flush()
        return metrics.render()
      },
    }),
    connect: (call) => connect.handle(call),
  })
  const handle = (request: ApiRequest, reply: Reply) => pipeline.handle(request, reply)
  const upgrade: UpgradeHandler = (request, raw, socket, head) => void pipeline.handle(request, new UpgradeReply(raw, socket, head))
  const listeners = new Listeners({ config, credentials, handle, upgrade, clock, log })

  return {
    credentials,
    handle,
    get url() {
      return listeners.url
    },
    get insecureUrl() {
      return listeners.insecureUrl
    },
    async start() {
      hub.start()
      ips.follow(objects)
      ports.follow(objects)
      if (parts.listen !== false) await listeners.start()
      const port = parts.listen === false ? config.securePort || DEFAULT_PORT : Number(new URL(listeners.url).port)
      // Only now is it known where a server on a free port can be found.
      if (port !== config.securePort) prepareCredentials(credentialsOptions(port))
      const { advertiseUrl } = credentialsOptions(port)
      const { authority, bootstrapToken } = credentials
      const facts = {
        address: advertiseAddress,
        port,
        serviceAddress,
        dnsAddress: config.dnsAddress,
        advertiseUrl,
        authority,
        bootstrapToken,
      }
      await ensureAll(requiredObjects(facts), { writer, table })
      await objects.caughtUp()
      expiry.start()
      if (config.podRoutes) endRoutes = keepPodRoutes({ reader: objects, range: config.podRoutes, ip: machineIp, log })
      compacting = compactor.run(background.signal)
      isReady = true
      renewal = clock.every(RENEWAL_INTERVAL, () => {
        try {
          listeners.renew(prepareCredentials(credentialsOptions(port)).serving)
        } catch (error) {
          log.error('could not renew certificates; trying again later', { error })
        }
      })
      log.info('serving', {
        url: listeners.url,
        ...(listeners.insecureUrl ? { insecureUrl: listeners.insecureUrl } : {}),
        kinds: table.all().length,
      })
    },
    async stop() {
      isReady = false
      renewal?.cancel()
      endRoutes?.()
      hub.stop()
      await listeners.stop()
      connect.close()
      expiry.stop()
      background.abort()
      await compacting
      objects.close()
      await storage.close()
    },
  }
}

async function openStorage(
  config: ApiServerConfig,
  { log }: ProcessTools,
  options: StorageOptions<ObjectFacts>,
  parts: ApiServerParts,
): Promise<Storage<ObjectFacts>> {
  if (parts.openStorage) return parts.openStorage(options)
  if (config.storage === 'memory') {
    const { createMemoryStorage } = await import('./storage/memory-storage.ts')
    return createMemoryStorage(options)
  }
  const { openLevelStorage } = await import('./storage/leveldb-storage.ts')
  return openLevelStorage({ ...options, directory: join(config.dataDir, 'store'), logger: log })
}
