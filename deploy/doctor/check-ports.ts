import { createServer } from 'node:net'
import { runCommand } from '../command.ts'
import { findContainers } from '../hosts.ts'
import type { Settings } from '../settings.ts'
import { type Finding, good } from './finding.ts'

/** The two ports of this machine that the cluster listens on. */
export async function checkPorts(settings: Settings): Promise<Finding[]> {
  const containers = await findContainers(settings).catch(() => [])
  const isRunning = (service: string) => containers.some((container) => container.service === service && container.state === 'running')
  const findings: Finding[] = []
  const wanted = [
    { port: settings.apiPort, use: 'the API server', setting: 'COXSWAIN_API_PORT', service: 'apiserver' },
    { port: settings.registryPort, use: "the cluster's registry", setting: 'COXSWAIN_REGISTRY_PORT', service: 'registry' },
  ]
  for (const { port, use, setting, service } of wanted) {
    if (isRunning(service)) continue
    const problem = await listenProblem(port)
    if (problem === undefined) continue
    const holder = problem === 'EADDRINUSE' ? await whoListens(port) : ''
    findings.push({
      state: 'failed',
      text: `port ${port} of this machine, meant for ${use}, is ${problem === 'EADDRINUSE' ? `taken${holder}` : `not to be had (${problem})`}`,
      cure: `set ${setting} in .env to a free port${holder ? ', or end what listens there' : ''}`,
    })
  }
  return findings.length > 0 ? findings : [good(`ports: ${settings.apiPort} for the API server, ${settings.registryPort} for the registry`)]
}

function listenProblem(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(undefined)))
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
