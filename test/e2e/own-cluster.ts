import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { runCommand } from '../../deploy/command.ts'

const CHECKOUT = resolve(import.meta.dirname, '../..')
const PREPARED = 'COXSWAIN_E2E_CLUSTER'

/** What the clusters of the tests have not in common. */
const SHAPES = {
  plain: { ending: '', isHighlyAvailable: '0', subnets: 200, pods: '10.245.0.0/16', services: '10.97' },
  'highly available': { ending: '-ha', isHighlyAvailable: '1', subnets: 150, pods: '10.246.0.0/16', services: '10.98' },
} as const

/**
 * Settings of the cluster that the tests of this folder share, or of another beside it: apart from the one of `make up`, with times that let a test see a
 * host die. The name follows from the checkout's place, so that the next run finds what an interrupted one left.
 */
async function settingsOfOwnCluster(shape: keyof typeof SHAPES): Promise<Record<string, string>> {
  const mark = createHash('sha256').update(CHECKOUT).digest()
  const { ending, isHighlyAvailable, subnets, pods, services } = SHAPES[shape]
  const [apiPort, registryPort, httpPort, httpsPort, dashboardPort, ...serverPorts] = await freePorts(8)
  const project = `coxswain-e2e-${mark.toString('hex', 0, 3)}${ending}`
  return {
    COMPOSE_PROJECT_NAME: project,
    COXSWAIN_HA: isHighlyAvailable,
    ...Object.fromEntries(serverPorts.map((port, index) => [`COXSWAIN_API_PORT_${index + 1}`, `${port}`])),
    COXSWAIN_KUBECONFIG: resolve(CHECKOUT, `.cache/${project}/kubeconfig`),
    COXSWAIN_API_PORT: `${apiPort}`,
    COXSWAIN_REGISTRY_PORT: `${registryPort}`,
    COXSWAIN_DASHBOARD_PORT: `${dashboardPort}`,
    COXSWAIN_HTTP_PORT: `${httpPort}`,
    COXSWAIN_HTTPS_PORT: `${httpsPort}`,
    COXSWAIN_SUBNET: `10.${subnets + (mark[0]! % 40)}.${mark[1]}.0/24`,
    COXSWAIN_CLUSTER_CIDR: pods,
    COXSWAIN_SERVICE_CIDR: `${services}.0.0/16`,
    COXSWAIN_CLUSTER_DNS: `${services}.0.10`,
    COXSWAIN_WORKERS: '2',
    COXSWAIN_NODE_MONITOR_GRACE_PERIOD: '20s',
    COXSWAIN_NODE_MONITOR_PERIOD: '1s',
    COXSWAIN_NODE_LEASE_RENEW_INTERVAL: '2s',
    COXSWAIN_ANNOUNCEMENT_GRACE_PERIOD: '8s',
    COXSWAIN_DEFAULT_TOLERATION_SECONDS: '2',
  }
}

/** Whether a cluster was brought up for several test files before this process started. */
export function isPrepared(): boolean {
  return process.env[PREPARED] !== undefined
}

/** Brings a cluster of the tests up by the scripts of `make up` and names it in the environment, for this process and those started after. */
export async function bringUp(shape: keyof typeof SHAPES = 'plain'): Promise<void> {
  const settings = await settingsOfOwnCluster(shape)
  Object.assign(process.env, settings)
  // What an interrupted run left would answer instead of the new cluster.
  await deploy('down.ts')
  await deploy('up.ts')
  process.env[PREPARED] = settings['COMPOSE_PROJECT_NAME']
}

/** Removes it with its data. */
export async function takeDown(): Promise<void> {
  await deploy('down.ts')
  rmSync(resolve(process.env['COXSWAIN_KUBECONFIG']!, '..'), { recursive: true, force: true })
  delete process.env[PREPARED]
}

async function deploy(script: string): Promise<void> {
  const args = [resolve(CHECKOUT, 'deploy', script)]
  const say = (line: string) => process.stdout.write(`# ${line}\n`)
  const result = await runCommand(process.execPath, args, { cwd: CHECKOUT, env: process.env, onLine: say })
  if (result.code !== 0) throw new Error(`deploy/${script} ended with exit code ${result.code}`)
}

/** Ports that were free a moment ago, all at the same time. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<ReturnType<typeof createServer>>()
      const server = createServer().on('error', reject)
      server.listen(0, '127.0.0.1', () => resolve(server))
      return promise
    }),
  )
  return servers.map((server) => {
    const address = server.address()
    server.close()
    if (address === null || typeof address === 'string') throw new Error('a server on a port has no port')
    return address.port
  })
}
