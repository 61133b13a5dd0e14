import { networkInterfaces } from 'node:os'
import { familiesOf, familiesProblem, familyOf, type IpFamily, ofFamily, rangeAround } from '../shared/addresses/ip-families.ts'
import { ConfigError, type ConfigOf } from '../shared/process/config.ts'
import { boolean, choice, duration, integer, list, optional, path, port, ranges, text, url } from '../shared/process/setting.ts'
import { IpRange } from './allocation/ip-range.ts'
import { oidcSettings } from './authn/oidc/flag-authenticator.ts'
import { etcdSettings } from './etcd-settings.ts'
import { DEFAULT_RETENTION } from './storage/compaction.ts'

/** Flags of the API server; `--x-y`, or COXSWAIN_X_Y in the environment. */
export const settings = {
  dataDir: path('store and keys', '/var/lib/coxswain'),
  pkiDir: path('authorities and keys that all servers of a cluster have the same; default: pki in the data directory'),
  credentialsDir: path('where kubeconfigs are written; default: credentials in the data directory'),
  storage: choice('where objects are kept', ['leveldb', 'memory'], 'leveldb'),
  ...etcdSettings,
  encryptionProviderConfig: path(
    'EncryptionConfiguration (apiserver.config.k8s.io/v1): what is encrypted in the store, and with which keys; default: nothing is',
  ),
  encryptionProviderConfigAutomaticReload: boolean('whether changes of that file are followed while the server runs', false),
  historyRetention: duration(
    'how far back /rewind goes; what is kept costs disk. Clients may watch from and page at revisions of the last five minutes all the same',
    DEFAULT_RETENTION.historyWindow,
  ),
  historyRetentionBytes: integer(
    'bytes of values of the past that are kept at most; wins over the time',
    DEFAULT_RETENTION.historyBytes,
    0,
  ),
  hoodBytes: integer('memory for how the newest changes came about, which /hood tells; 0: nothing is remembered', 4 * 2 ** 20, 0),
  openDamagedStore: boolean('whether a store that is damaged is opened, for reading only, with what of it is sound', false),
  bindAddress: text('address to listen on', '0.0.0.0'),
  securePort: port('port of the API over TLS', 6443),
  insecurePort: port('port of the API without TLS and without credentials, on loopback only; 0: off', 0),
  insecureBindAddress: text('address of the port without TLS; must be loopback', '127.0.0.1'),
  healthPort: port('port of /healthz, /livez and /readyz without TLS, on loopback only, for who asks often; 0: off', 0),
  advertiseUrl: url('what clients dial, written into kubeconfigs; default: https://127.0.0.1:<port>', undefined, ['https']),
  advertiseServers: list(
    'what clients dial, of all API servers of the cluster, the same list for each; written into kubeconfigs; default: --advertise-url alone',
  ),
  advertiseAddress: text('address at which Pods reach this server; default: the first one of the machine that is not loopback'),
  tlsSan: list('further names and addresses to put into the serving certificate'),
  serviceClusterIpRange: ranges(
    'range of cluster IPs; one of each family makes Services of both possible, the first family is the primary one',
    ['10.96.0.0/16'],
  ),
  serviceNodePortRange: text('range of node ports', '30000-32767'),
  clusterDomain: text('domain of cluster DNS', 'cluster.local'),
  dnsAddress: list('address of cluster DNS, inside the range of cluster IPs; one of each family where there are two', ['10.96.0.10']),
  serviceAccountIssuer: url('issuer of service-account tokens; default: https://kubernetes.default.svc.<cluster domain>', undefined, [
    'https',
  ]),
  podRoutes: ranges(
    'all Pod addresses, of the families of cluster IPs: this machine gets routes to them by way of their nodes; needs ip and NET_ADMIN; default: none',
  ),
  admissionControlConfigFile: path("what admission rules can be told: upstream's AdmissionConfiguration, with that of PodSecurity"),
  auditPolicyFile: path("what of requests is written down: upstream's audit Policy; with --audit-log-path"),
  auditLogPath: path('file of the audit log; - is standard output'),
  auditLogFormat: choice('what the audit log is written as', ['json'], 'json'),
  auditLogMode: choice(
    'whether requests wait until it is written down that they came, or are even refused when it cannot be',
    ['batch', 'blocking', 'blocking-strict'],
    'blocking',
  ),
  auditLogBatchBufferSize: integer('audit events that may wait to be written; one too many is lost', 10_000, 1),
  auditLogMaxsize: integer('megabytes of an audit log before it is put aside and another one begun', 100, 1),
  auditLogMaxage: integer('days for which audit logs that were put aside are kept; 0: for ever', 0),
  auditLogMaxbackup: integer('how many audit logs that were put aside are kept; 0: all', 0),
  auditLogCompress: boolean('whether audit logs that were put aside are compressed', false),
  tokenFile: path('static bearer tokens: token,user,uid,"group,group" a line'),
  anonymousAuth: optional(boolean('whether requests without credentials are system:anonymous', true)),
  ...oidcSettings,
  authenticationConfig: path(
    "upstream's AuthenticationConfiguration (apiserver.config.k8s.io/v1): identity providers whose tokens are taken, followed while the server runs, and who nobody is; instead of --oidc-*",
  ),
  maxReadsInFlight: integer('with the next one, the seats that priority levels share: requests worked on at once', 800, 1),
  maxWritesInFlight: integer('as above; the two are added', 400, 1),
  maxConnections: integer('open connections; one too many is closed', 10_000, 1),
  maxConnectionsPerAddress: integer('open connections from one address', 2_500, 1),
  maxWatchesPerUser: integer('open watches of one user; long selectors count for more', 5_000, 1),
  maxUnsentBytes: integer(
    'bytes that wait to be sent, over all answers and watches; the slowest readers are cut off',
    256 * 1024 * 1024,
    1,
  ),
  maxBodyBytes: integer('bytes of bodies that are read, wait or are worked on', 128 * 1024 * 1024, 1),
  requestTimeout: duration('after which a request that is no watch or stream is given up', 60_000),
  defaultTolerationSeconds: integer('how long Pods stay on a node that is not ready or unreachable', 300),
} as const

/** The settings as values. */
export type ApiServerConfig = ConfigOf<typeof settings>

/** What follows from the settings. */
export interface DerivedConfig {
  /** The cluster IP of the `kubernetes` Service: the first of the range of the advertised address's family. */
  readonly serviceAddress: string
  /** The first cluster IP of each range. */
  readonly firstAddresses: readonly string[]
  readonly issuer: string
  readonly advertiseAddress: string
  readonly nodePortRange: { readonly first: number; readonly last: number }
}

/** @throws ConfigError */
export function deriveConfig(config: ApiServerConfig): DerivedConfig {
  if (!isLoopback(config.insecureBindAddress)) {
    throw new ConfigError(`--insecure-bind-address must be loopback, not ${config.insecureBindAddress}: the port asks nobody who they are`)
  }
  const { serviceClusterIpRange: services, podRoutes, dnsAddress } = config
  checkServers(config)
  checkRanges(services, podRoutes)
  checkDnsAddresses(dnsAddress, services)
  const advertiseAddress = config.advertiseAddress ?? ownAddress(familiesOf(services))
  const firstAddresses = services.map((range) => new IpRange(range).nth(1))
  return {
    ...{ firstAddresses, advertiseAddress, serviceAddress: serviceAddress(firstAddresses, advertiseAddress) },
    issuer: config.serviceAccountIssuer ?? `https://kubernetes.default.svc.${config.clusterDomain}`,
    nodePortRange: portRange(config.serviceNodePortRange),
  }
}

function portRange(range: string): { first: number; last: number } {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(range)
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  if (!match || first < 1 || last > 65_535 || first > last) {
    throw new ConfigError(`--service-node-port-range: ${JSON.stringify(range)} is no range such as 30000-32767`)
  }
  return { first, last }
}

function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address)
}

function checkServers({ advertiseServers: servers, advertiseUrl: own }: ApiServerConfig): void {
  if (servers.length === 0) return
  const wrong = servers.find((server) => !URL.canParse(server) || new URL(server).protocol !== 'https:')
  if (wrong !== undefined) throw new ConfigError(`--advertise-servers: ${JSON.stringify(wrong)} is no URL such as https://10.0.0.1:6443`)
  if (own === undefined || !servers.includes(own)) {
    throw new ConfigError('--advertise-servers: the list of all servers has to name this one, as --advertise-url does')
  }
}

/** How long the prefix of a range of cluster IPs is, by family: room for at least one, and for no more than are needed. */
const PREFIXES = { IPv4: [8, 30], IPv6: [64, 126] } as const

function checkRanges(services: readonly string[], pods: readonly string[]): void {
  if (services.length === 0) throw new ConfigError('--service-cluster-ip-range: a cluster has at least one range')
  for (const range of services) {
    const [least, most] = PREFIXES[familyOf(range)]
    const prefix = Number(range.split('/')[1])
    if (prefix < least || prefix > most) {
      throw new ConfigError(
        `--service-cluster-ip-range: ${range}: the prefix of a range of ${familyOf(range)} is from /${least} to /${most}`,
      )
    }
  }
  if (pods.length === 0) return
  const problem = familiesProblem({ flag: '--service-cluster-ip-range', ranges: services }, { flag: '--pod-routes', ranges: pods })
  if (problem !== undefined) throw new ConfigError(problem)
}

function checkDnsAddresses(addresses: readonly string[], services: readonly string[]): void {
  const outside = addresses.find((address) => rangeAround(address, services) === undefined)
  if (outside !== undefined) throw new ConfigError(`--dns-address: ${outside} is not in the range of cluster IPs (${services.join(', ')})`)
  const families = familiesOf(addresses)
  if (families.length === 0 || new Set(families).size !== families.length) {
    throw new ConfigError('--dns-address: cluster DNS has one address, or one of each family')
  }
}

function serviceAddress(firstAddresses: readonly string[], advertised: string): string {
  const address = ofFamily(familyOf(advertised), firstAddresses)
  if (address !== undefined) return address
  const sentence = `--advertise-address ${advertised} is of ${familyOf(advertised)}, and --service-cluster-ip-range has no range of that family`
  throw new ConfigError(`${sentence}: Pods reach this server by a Service that leads there`)
}

function ownAddress(families: readonly IpFamily[]): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const usable = addresses.filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address)).map(({ address }) => address)
  const found = families.map((family) => ofFamily(family, usable)).find((address) => address !== undefined)
  return found ?? (families[0] === 'IPv6' ? '::1' : '127.0.0.1')
}
