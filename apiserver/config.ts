import { networkInterfaces } from 'node:os'
import { ConfigError, type ConfigOf } from '../shared/process/config.ts'
import { boolean, choice, duration, integer, list, path, port, text, url } from '../shared/process/setting.ts'

/** Flags of the API server; `--x-y`, or COXSWAIN_X_Y in the environment. */
export const settings = {
  dataDir: path('store and keys', '/var/lib/coxswain'),
  credentialsDir: path('where kubeconfigs are written; default: credentials in the data directory'),
  storage: choice('where objects are kept', ['leveldb', 'memory'], 'leveldb'),
  openDamagedStore: boolean('whether a store that is damaged is opened, for reading only, with what of it is sound', false),
  bindAddress: text('address to listen on', '0.0.0.0'),
  securePort: port('port of the API over TLS', 6443),
  insecurePort: port('port of the API without TLS and without credentials, on loopback only; 0: off', 0),
  insecureBindAddress: text('address of the port without TLS; must be loopback', '127.0.0.1'),
  healthPort: port('port of /healthz, /livez and /readyz without TLS, on loopback only, for who asks often; 0: off', 0),
  advertiseUrl: url('what clients dial, written into kubeconfigs; default: https://127.0.0.1:<port>', undefined, ['https']),
  advertiseAddress: text('address at which Pods reach this server; default: the first one of the machine that is not loopback'),
  tlsSan: list('further names and addresses to put into the serving certificate'),
  serviceClusterIpRange: text('range of cluster IPs', '10.96.0.0/16'),
  serviceNodePortRange: text('range of node ports', '30000-32767'),
  clusterDomain: text('domain of cluster DNS', 'cluster.local'),
  dnsAddress: text('address of cluster DNS, inside the range of cluster IPs', '10.96.0.10'),
  serviceAccountIssuer: url('issuer of service-account tokens; default: https://kubernetes.default.svc.<cluster domain>', undefined, [
    'https',
  ]),
  podRoutes: text('all Pod addresses: this machine gets routes to them by way of their nodes; needs ip and NET_ADMIN; default: none'),
  tokenFile: path('static bearer tokens: token,user,uid,"group,group" a line'),
  anonymousAuth: boolean('whether requests without credentials are system:anonymous', true),
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
  /** The cluster IP of the `kubernetes` Service: the first of the range. */
  readonly serviceAddress: string
  readonly issuer: string
  readonly advertiseAddress: string
  readonly nodePortRange: { readonly first: number; readonly last: number }
}

/** @throws ConfigError */
export function deriveConfig(config: ApiServerConfig): DerivedConfig {
  if (!isLoopback(config.insecureBindAddress)) {
    throw new ConfigError(`--insecure-bind-address must be loopback, not ${config.insecureBindAddress}: the port asks nobody who they are`)
  }
  return {
    serviceAddress: firstAddress(config.serviceClusterIpRange),
    issuer: config.serviceAccountIssuer ?? `https://kubernetes.default.svc.${config.clusterDomain}`,
    advertiseAddress: config.advertiseAddress ?? ownAddress(),
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

/** The first usable address of a range: that of the `kubernetes` Service. */
function firstAddress(range: string): string {
  const [network, size] = range.split('/')
  const parts = (network ?? '').split('.').map(Number)
  const isRange = parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256)
  const bits = Number(size)
  if (!isRange || !Number.isInteger(bits) || bits < 8 || bits > 30) {
    throw new ConfigError(`--service-cluster-ip-range: ${JSON.stringify(range)} is no IPv4 range such as 10.96.0.0/16`)
  }
  return [...parts.slice(0, 3), parts[3]! + 1].join('.')
}

function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flat()
  return addresses.find((address) => address?.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.1'
}
