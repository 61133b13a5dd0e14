import { createServer } from 'node:net'
import { runCommand } from '../command.ts'
import { findContainers } from '../hosts.ts'
import type { Settings } from '../settings.ts'
import { type Finding, good } from './finding.ts'

const LOOPBACK = '127.0.0.1'

/** The ports of this machine that the cluster listens on. */
export async function checkPorts(settings: Settings): Promise<Finding[]> {
  const containers = await findContainers(settings).catch(() => [])
  const isRunning = (service: string) => containers.some((container) => container.service === service && container.state === 'running')
  const findings: Finding[] = []
  const wanted = [
    {
      ...{ port: settings.apiPort, use: 'the API', setting: 'COXSWAIN_API_PORT', address: LOOPBACK },
      service: settings.isHighlyAvailable ? 'api-door' : 'apiserver',
    },
    ...(settings.isHighlyAvailable ? settings.apiServers.map((server) => ({ ...server, use: server.service, address: LOOPBACK })) : []),
    {
      port: settings.registryPort,
      use: "the cluster's registry",
      setting: 'COXSWAIN_REGISTRY_PORT',
      service: 'registry',
      address: LOOPBACK,
    },
    { port: settings.httpPort, use: 'HTTP of Ingresses', setting: 'COXSWAIN_HTTP_PORT', service: 'edge', address: settings.ingressAddress },
    {
      port: settings.httpsPort,
      use: 'HTTPS of Ingresses',
      setting: 'COXSWAIN_HTTPS_PORT',
      service: 'edge',
      address: settings.ingressAddress,
    },
    { port: settings.dashboardPort, use: 'the dashboard', setting: 'COXSWAIN_DASHBOARD_PORT', service: 'dashboard', address: LOOPBACK },
  ]
  const others = new Map<number, string>()
  for (const { port, use, setting, service, address } of wanted) {
    const other = others.get(port)
    others.set(port, setting)
    if (other !== undefined) {
      findings.push({ state: 'failed', text: `${other} and ${setting} are both ${port}`, cure: `set ${setting} in .env to another port` })
      continue
    }
    if (isRunning(service)) continue
    const problem = await listenProblem(port, address)
    if (problem === 'EADDRNOTAVAIL') {
      const cure = 'set COXSWAIN_INGRESS_ADDRESS in .env to an address of this machine, or to 0.0.0.0 for all'
      findings.push({ state: 'failed', text: `this machine has no address ${address}, meant for ${use}`, cure })
      continue
    }
    if (problem === undefined) continue
    const holder = problem === 'EADDRINUSE' ? await whoListens(port) : ''
    findings.push({
      state: 'failed',
      text: `port ${port} of this machine, meant for ${use}, is ${problem === 'EADDRINUSE' ? `taken${holder}` : `not to be had (${problem})`}`,
      cure: `set ${setting} in .env to a free port${holder ? ', or end what listens there' : ''}`,
    })
  }
  const { apiPort, apiServers, registryPort, httpPort, httpsPort, dashboardPort } = settings
  const each = settings.isHighlyAvailable ? ` and ${apiServers.map(({ port }) => port).join(', ')} for its servers` : ''
  const all = `ports: ${apiPort} for the API${each}, ${registryPort} for the registry, ${httpPort} and ${httpsPort} for Ingresses, ${dashboardPort} for the dashboard`
  return findings.length > 0 ? findings : [good(all)]
}

function listenProblem(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

async function whoListens(port: number): Promise<string> {
  const containers = await runCommand('docker', ['ps', '--filter', `publish=${port}`, '--format', '{{.Names}}']).catch(() => undefined)
  const container = containers?.stdout.trim().split('\n')[0]
  if (container) return ` by the container ${container}`
  const sockets = await runCommand('ss', ['-Hltnp', `sport = :${port}`]).catch(() => undefined)
  const process = /users:\(\("([^"]+)",pid=(\d+)/.exec(sockets?.stdout ?? '')
  return process ? ` by ${process[1]} (process ${process[2]})` : ''
}
