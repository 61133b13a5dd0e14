import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { basename, join, resolve } from 'node:path'
import ipaddr from 'ipaddr.js'

/** What `make up` and its companions are told by the environment and by `.env`. */
export interface Settings {
  /** The checkout: where docker-compose.yml lies. */
  readonly checkout: string
  /** Compose's name for the cluster; prefix of its containers, volumes and network. */
  readonly project: string
  /** Where kubectl reaches the API. */
  readonly apiPort: number
  /** Whether several of everything that must not fail are asked for: docker-compose.ha.yml beside docker-compose.yml. */
  readonly isHighlyAvailable: boolean
  /** The API servers, each a service of compose. */
  readonly apiServers: readonly ApiServerPlace[]
  readonly registryPort: number
  /** Where Ingresses are served on this machine. */
  readonly ingressAddress: string
  readonly httpPort: number
  readonly httpsPort: number
  /** Where the dashboard is served on this machine, on loopback. */
  readonly dashboardPort: number
  /** Worker hosts to start; undefined keeps as many as there are, or starts two. */
  readonly workers: number | undefined
  /** Where the administrator's kubeconfig is written. */
  readonly kubeconfig: string
  readonly subnet: string
  /** Addresses of the subnet that Services of type LoadBalancer are given; no host may have one. */
  readonly loadBalancerPool: string
  readonly clusterCidr: string
  readonly serviceCidr: string
  readonly clusterDns: string
  readonly clusterDomain: string
  /** The image of a worker host. */
  readonly workerImage: string
  /** For child processes: `.env` and the environment, with the project's name. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** An API server of the cluster. */
export interface ApiServerPlace {
  /** Its name in compose. */
  readonly service: string
  /** Its port on this machine's loopback. */
  readonly port: number
  /** The setting that says the port. */
  readonly setting: string
}

/** A setting that cannot be used. The message names it. */
export class BadSetting extends Error {
  override readonly name = 'BadSetting'
}

/**
 * Reads the settings as compose itself does: the environment first, then `.env` in the checkout, then the defaults.
 * @throws BadSetting for a value that is not what it should be
 */
export function readSettings(checkout: string, environment: Readonly<Record<string, string | undefined>>): Settings {
  const fromFile = readEnvironmentFile(join(checkout, '.env'))
  const value = (name: string, fallback: string) => environment[name] || fromFile[name] || fallback
  const number = (name: string, fallback: string, least: number, most: number) => {
    const text = value(name, fallback)
    const result = Number(text)
    if (!Number.isInteger(result) || result < least || result > most) {
      throw new BadSetting(`${name} is ${JSON.stringify(text)}; it must be a whole number from ${least} to ${most}`)
    }
    return result
  }
  const address = (name: string, fallback: string) => {
    const text = value(name, fallback)
    if (!isIPv4(text)) throw new BadSetting(`${name} is ${JSON.stringify(text)}; it must be an IPv4 address of this machine`)
    return text
  }
  const flag = (name: string) => {
    const text = value(name, '0')
    if (text !== '0' && text !== '1') throw new BadSetting(`${name} is ${JSON.stringify(text)}; it must be 0 or 1`)
    return text === '1'
  }
  const project = value('COMPOSE_PROJECT_NAME', projectNameOf(checkout))
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(project)) {
    throw new BadSetting(
      `COMPOSE_PROJECT_NAME is ${JSON.stringify(project)}; it may have small letters, digits, '-' and '_', a letter or digit first`,
    )
  }
  const subnet = value('COXSWAIN_SUBNET', '172.28.0.0/16')
  const loadBalancerPool = value('COXSWAIN_LOAD_BALANCER_POOL', topOf(subnet))
  const apiPort = number('COXSWAIN_API_PORT', '6443', 1, 65535)
  const step = apiPort + 3 > 65535 ? -1 : 1
  const several = [1, 2, 3].map((each) => {
    const setting = `COXSWAIN_API_PORT_${each}`
    return { service: `apiserver-${each}`, port: number(setting, `${apiPort + step * each}`, 1, 65535), setting }
  })
  const settings: Settings = {
    checkout,
    project,
    apiPort,
    isHighlyAvailable: false,
    apiServers: [{ service: 'apiserver', port: apiPort, setting: 'COXSWAIN_API_PORT' }],
    registryPort: number('COXSWAIN_REGISTRY_PORT', '5050', 1, 65535),
    ingressAddress: address('COXSWAIN_INGRESS_ADDRESS', '127.0.0.1'),
    httpPort: number('COXSWAIN_HTTP_PORT', '8080', 1, 65535),
    httpsPort: number('COXSWAIN_HTTPS_PORT', '8443', 1, 65535),
    dashboardPort: number('COXSWAIN_DASHBOARD_PORT', '8088', 1, 65535),
    workers: value('COXSWAIN_WORKERS', '') === '' ? undefined : number('COXSWAIN_WORKERS', '2', 0, 500),
    kubeconfig: resolve(checkout, value('COXSWAIN_KUBECONFIG', '.cluster/kubeconfig')),
    subnet,
    loadBalancerPool,
    clusterCidr: value('COXSWAIN_CLUSTER_CIDR', '10.244.0.0/16'),
    serviceCidr: value('COXSWAIN_SERVICE_CIDR', '10.96.0.0/16'),
    clusterDns: value('COXSWAIN_CLUSTER_DNS', '10.96.0.10'),
    clusterDomain: value('COXSWAIN_CLUSTER_DOMAIN', 'cluster.local'),
    workerImage: `${value('COXSWAIN_IMAGE_PREFIX', 'coxswain')}/worker:latest`,
    environment: {
      ...{ ...fromFile, ...environment, COMPOSE_PROJECT_NAME: project, COXSWAIN_LOAD_BALANCER_POOL: loadBalancerPool, COXSWAIN_HA: '0' },
      ...Object.fromEntries(several.map(({ setting, port }) => [setting, `${port}`])),
    },
  }
  const highlyAvailable = {
    ...{ ...settings, isHighlyAvailable: true, apiServers: several },
    environment: { ...settings.environment, COXSWAIN_HA: '1' },
  }
  return flag('COXSWAIN_HA') ? highlyAvailable : settings
}

/** The name compose gives a project by default: the folder's, in small letters, without what a name may not have. */
export function projectNameOf(folder: string): string {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '')
  return name || 'coxswain'
}

/**
 * The last sixteenth of a subnet, 256 addresses at most: the engine gives its containers addresses from the bottom. Empty for what is no
 * subnet; 'make doctor' says so.
 */
export function topOf(subnet: string): string {
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(subnet)) return ''
  const bits = ipaddr.IPv4.parseCIDR(subnet)[1]
  const last = ipaddr.IPv4.broadcastAddressFromCIDR(subnet)
  const size = Math.min(32, Math.max(24, bits + 4))
  return `${ipaddr.IPv4.networkAddressFromCIDR(`${last}/${size}`)}/${size}`
}

function readEnvironmentFile(path: string): Record<string, string> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
  const values: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line)
    if (match?.[1] !== undefined) values[match[1]] = (match[2] ?? '').replace(/^(['"])(.*)\1$/, '$2')
  }
  return values
}
