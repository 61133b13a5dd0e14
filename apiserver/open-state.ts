import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metrics } from '../shared/metrics/metrics.ts'
import { ConfigError } from '../shared/process/config.ts'
import type { ProcessTools } from '../shared/process/run.ts'
import type { Clock } from '../shared/time/clock.ts'
import { readAdmissionConfiguration } from './admission/admission-configuration.ts'
import { admissionRules } from './admission/admit.ts'
import { furtherRangeOf } from './admission/further-ranges.ts'
import { quotaBook } from './admission/quota-book.ts'
import { WebhookMetrics } from './admission/webhooks/webhook-metrics.ts'
import { ClusterIPs } from './allocation/cluster-ips.ts'
import { nodePorts, PortRange } from './allocation/port-range.ts'
import { type Authentication, createAuthentication } from './authn/authenticate.ts'
import type { IdentityProviders } from './authn/oidc/identity-providers.ts'
import { LoginMetrics } from './authn/oidc/login-metrics.ts'
import { openProviders } from './authn/oidc/open-providers.ts'
import { type Authorization, createAuthorization } from './authz/authorize.ts'
import { SELF } from './bootstrap/ensure.ts'
import type { ServerIdentity } from './certificates/server-identity.ts'
import type { ApiServerConfig, DerivedConfig } from './config.ts'
import { type DialRule, dialRule } from './connect/dialable-address.ts'
import { HookClient } from './connect/hook-client.ts'
import { clusterOf, etcdPlace } from './etcd-settings.ts'
import { Deeds } from './hood/deeds.ts'
import type { ResourceDefinition, ResourceServices } from './registry/define-resource.ts'
import { ObjectRemover } from './registry/deletion.ts'
import { restamp } from './registry/encode-object.ts'
import { lateServices } from './registry/late-services.ts'
import { factsFromBytes, type ObjectFacts } from './registry/object-facts.ts'
import { ResourceTable } from './registry/resource-table.ts'
import { StoredObjects } from './registry/stored-objects.ts'
import { ObjectWriter } from './registry/write-object.ts'
import { loadResources } from './resources/load.ts'
import { EncryptionAtRest } from './storage/encryption/encryption-at-rest.ts'
import type { Storage, StorageOptions } from './storage/storage.ts'
import type { ScrapeNode } from './usage/node-scraper.ts'
import { resourceUsage } from './usage/resource-usage.ts'

/** What tests replace of the state. */
export interface StateParts {
  /** Default: the driver named in the configuration. */
  openStorage?: (options: StorageOptions<ObjectFacts>) => Storage<ObjectFacts> | Promise<Storage<ObjectFacts>>
  /** Default: every kind that has a file in resources/. */
  loadDefinitions?: (services: ResourceServices) => Promise<ResourceDefinition[]>
  /** The time by which certificates are made and judged: clients check them by that of their machine. Default: the clock that everything here goes by. */
  outsideClock?: Clock
  /** Where the server connects to on behalf of others. Default: by the addresses that are nobody's to be led to. */
  rule?: DialRule
}

/** The store, the kinds it holds, and everybody who reads and writes them. */
export interface ServerState {
  readonly storage: Storage<ObjectFacts>
  readonly encryption: EncryptionAtRest
  readonly table: ResourceTable
  readonly objects: StoredObjects
  /** Whose ID tokens are taken; absent where nobody's are. */
  readonly providers: IdentityProviders | undefined
  readonly authentication: Authentication
  readonly authorization: Authorization
  readonly writer: ObjectWriter
  readonly remover: ObjectRemover
  /** How the newest changes came about. */
  readonly deeds: Deeds
  /** Another writer by the same rules, over a store and objects that are not what is stored now. */
  readonly writerOver: (storage: Storage<ObjectFacts>, objects: StoredObjects) => ObjectWriter
  /** Where this server connects to on behalf of others. */
  readonly rule: DialRule
  /** Asks webhooks. */
  readonly hooks: HookClient
  /** Learns which addresses and ports are taken, and goes on following. */
  followAllocations(): void
}

/** Builds the state; nothing runs yet. @throws StorageRefused, ConfigError, Error for a token file or a kind that cannot be read */
export async function openState(
  config: ApiServerConfig,
  derived: DerivedConfig,
  identity: ServerIdentity,
  tools: ProcessTools & { readonly parts: StateParts; readonly scrapeNode: ScrapeNode; readonly metrics: Metrics },
): Promise<ServerState> {
  const { clock, random, log, parts, scrapeNode, metrics } = tools
  const admission = await readAdmissionConfiguration(config.admissionControlConfigFile)
  for (const warning of admission.warnings) log.warn(warning)
  // Kinds are built with services that themselves read kinds: the services are named now and filled in below.
  const late = lateServices()
  const table = new ResourceTable(await (parts.loadDefinitions ?? loadResources)(late.services))
  const encryption = await EncryptionAtRest.open({ path: config.encryptionProviderConfig, clock, log, metrics })
  const storage = await openStorage(config, identity, tools, {
    ...{ facts: factsFromBytes(table), restamp, clock, transformer: encryption.transformer },
  })
  const objects = new StoredObjects(storage, table, log)
  const rule = parts.rule ?? dialRule(config.serviceClusterIpRange, { furtherRangeOf: (host) => furtherRangeOf(host, objects) })
  const hooks = new HookClient({ reader: objects, rule, random, clock })
  const providers = await openProviders(config, derived, { clock, log, metrics: new LoginMetrics(metrics) })
  const anonymous = { enabled: config.anonymousAuth ?? true }
  const authentication = createAuthentication({
    ...{ reader: objects, clock, random, log, serviceAccountKeys: identity.credentials.serviceAccountKeys, issuer: derived.issuer },
    ...{ tokenFile: config.tokenFile && readFileSync(config.tokenFile, 'utf8'), providers },
    certificateClock: parts.outsideClock ?? clock,
    anonymous: () => providers?.anonymous ?? anonymous,
  })
  const authorization = createAuthorization(objects)
  const { authorize, rulesFor, grants } = authorization
  const ips = new ClusterIPs(config.serviceClusterIpRange, random, log)
  const ports = new PortRange(derived.nodePortRange.first, derived.nodePortRange.last)
  late.fill({
    ...{ clusterIPs: ips, nodePorts: nodePorts(ports, random) },
    ...{ tokens: authentication.tokens, authorize, rulesFor, grants },
    usage: resourceUsage({ scrape: scrapeNode, clock, log }),
  })
  const rules = admissionRules({
    webhooks: {
      authorize,
      ...{ client: hooks, table, metrics: new WebhookMetrics(metrics), self: SELF, patience: config.requestTimeout, log },
    },
    ...{ authorize, tolerationSeconds: config.defaultTolerationSeconds },
    podSecurity: admission.podSecurity,
    quotas: quotaBook({ table, writer: () => writer, log }),
    cluster: {
      ...{ serverNames: identity.names, domain: config.clusterDomain },
      ...{ serviceRanges: config.serviceClusterIpRange, podRanges: config.podRoutes },
    },
  })
  const deeds = new Deeds(config.hoodBytes)
  const writerOver = (over: Storage<ObjectFacts>, seen: StoredObjects) =>
    new ObjectWriter({
      storage: over,
      objects: seen,
      rules,
      clock,
      random,
      log,
      committed: (request, change) => deeds.add(request, change),
    })
  const writer: ObjectWriter = writerOver(storage, objects)
  const remover = new ObjectRemover(storage, objects, writer, () => clock.now())
  return {
    ...{ storage, encryption, table, objects, providers, authentication, authorization, writer, remover, writerOver, deeds, rule, hooks },
    followAllocations() {
      ips.follow(objects)
      ports.follow(objects)
    },
  }
}

async function openStorage(
  config: ApiServerConfig,
  { credentials }: ServerIdentity,
  { log, parts }: ProcessTools & { readonly parts: StateParts },
  options: StorageOptions<ObjectFacts>,
): Promise<Storage<ObjectFacts>> {
  if (parts.openStorage) return parts.openStorage(options)
  const etcd = etcdPlace(config)
  if (etcd !== undefined) {
    if (config.openDamagedStore) throw new ConfigError('--open-damaged-store is about a store in files, and --etcd-servers names another')
    const { openEtcdStorage } = await import('./storage/etcd/etcd-storage.ts')
    return openEtcdStorage({ ...options, ...etcd, cluster: clusterOf(credentials.authority), logger: log })
  }
  if (config.storage === 'memory') {
    const { createMemoryStorage } = await import('./storage/memory-storage.ts')
    return createMemoryStorage(options)
  }
  const all = { ...options, directory: join(config.dataDir, 'store'), logger: log }
  if (config.openDamagedStore) {
    const { openDamagedStore } = await import('./storage/damaged-store.ts')
    return openDamagedStore(all)
  }
  const { openLevelStorage } = await import('./storage/leveldb-storage.ts')
  return openLevelStorage(all)
}
