import type { Clock } from '../shared/time/clock.ts'
import { anonymousStatus } from './anonymous-status.ts'
import { type ClusterConnection, connect, type PublishedServer, withServers } from './cluster-connection.ts'
import { lastLines, outputOf, runCommand } from './command.ts'
import { findContainers, type HostContainer } from './hosts.ts'
import type { ApiServerPlace, Settings } from './settings.ts'
import { CannotGoOn } from './step.ts'

/** How often something that cannot announce itself is asked again. */
const ASK_AGAIN_MS = 50
/** How often it is looked whether containers still run. */
const LOOK_AGAIN_MS = 1000

/** A process that ends this often will not come up by waiting. */
const RESTARTS_THAT_ARE_ENOUGH = 4

const API_SERVER_PATIENCE_MS = 60_000
const NODES_PATIENCE_MS = 120_000
const DNS_PATIENCE_MS = 60_000

/**
 * Waits until every API server is ready, and the door before them where there is one, and gives the administrator's kubeconfig, with addresses that this
 * machine reaches. @throws CannotGoOn with the last lines of a server's log when it ends or takes longer than a minute
 */
export async function awaitApiServers(settings: Settings, clock: Clock): Promise<string> {
  const { apiPort, apiServers } = settings
  const direct = apiServers.map(({ service, port }) => ({ name: service, url: `https://127.0.0.1:${port}` }))
  const published = [{ name: 'coxswain', url: `https://127.0.0.1:${apiPort}` }, ...(settings.isHighlyAvailable ? direct : [])]
  await Promise.all(apiServers.map((server) => awaitApiServer(settings, server, clock)))
  const deadline = clock.monotonic() + API_SERVER_PATIENCE_MS
  while (clock.monotonic() < deadline) {
    const kubeconfig = await readyKubeconfig(settings, published)
    if (kubeconfig !== undefined) return kubeconfig
    await clock.sleep(ASK_AGAIN_MS)
  }
  throw new CannotGoOn(
    `the API does not answer its administrator on 127.0.0.1:${apiPort}`,
    `'deploy/compose.sh logs${settings.isHighlyAvailable ? ' api-door' : ''}' shows what its servers say`,
  )
}

/** Asks by its port and looks into the container only now and then: a program that is started in a container costs the cluster more than its own start does. */
async function awaitApiServer(settings: Settings, { service, port }: ApiServerPlace, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + API_SERVER_PATIENCE_MS
  let last = 'it does not answer'
  let lookAgain = 0
  let restartsBefore: number | undefined
  while (clock.monotonic() < deadline) {
    if (clock.monotonic() >= lookAgain) {
      const [apiserver] = await findContainers(settings, service)
      if (apiserver === undefined) throw new CannotGoOn(`there is no container of ${service}`, 'make down, then make up')
      const restarts = apiserver.restarts - (restartsBefore ??= apiserver.restarts)
      if (restarts >= RESTARTS_THAT_ARE_ENOUGH) {
        last = `it ended and was started again ${restarts} times`
        break
      }
      if (apiserver.state !== 'running') last = `its process ended with exit code ${apiserver.exitCode}`
      lookAgain = clock.monotonic() + LOOK_AGAIN_MS
    }
    const status = await anonymousStatus(`https://127.0.0.1:${port}/readyz`)
    // 401: a server that lets nobody in without credentials.
    if (status === 200 || status === 401) return
    if (status !== undefined) last = `/readyz answers ${status}`
    await clock.sleep(ASK_AGAIN_MS)
  }
  throw new CannotGoOn(
    `${service} is not ready: ${last}\n${await endOfLog(settings, service)}`,
    `'deploy/compose.sh logs ${service}' shows all of its log`,
  )
}

/** The administrator's kubeconfig, once whoever answers at its first address takes it. */
async function readyKubeconfig(settings: Settings, published: readonly PublishedServer[]): Promise<string | undefined> {
  const [apiserver] = await findContainers(settings, settings.apiServers[0]?.service)
  if (apiserver?.state !== 'running') return undefined
  const file = await runCommand('docker', ['exec', apiserver.id, 'cat', '/etc/coxswain/admin.kubeconfig'])
  if (file.code !== 0 || file.stdout.trim() === '') return undefined
  const kubeconfig = withServers(file.stdout, published)
  const connection = connect(kubeconfig)
  try {
    return (await connection.get('/readyz')).status === 200 ? kubeconfig : undefined
  } catch {
    // Not the server that this file is for, or no longer: asked again.
    return undefined
  } finally {
    connection.close()
  }
}

/**
 * Waits until the node of each worker host is Ready, watching nodes: a host's node is the one with its address. A condition from before its host
 * started does not count.
 * @returns the names of the nodes
 * @throws CannotGoOn naming the hosts whose nodes are not Ready
 */
export async function awaitNodes(settings: Settings, connection: ClusterConnection, clock: Clock): Promise<string[]> {
  const ending = new AbortController()
  const timer = clock.after(NODES_PATIENCE_MS, () => ending.abort(new Error(`${NODES_PATIENCE_MS / 1000} s have passed`)))
  const looking = clock.every(LOOK_AGAIN_MS, () => {
    refuseEndedHosts(settings).catch((error: unknown) => ending.abort(error))
  })
  let waiting: string[] = []
  let last: unknown
  try {
    const hosts = await runningWorkers(settings)
    const nodes = new Map<string, NodeObject>()
    const nodeOf = (host: HostContainer) =>
      [...nodes.values()].find((node) => addressOf(node) === host.address && isReadySince(node, host.startedAt))
    const missing = () => hosts.filter((host) => nodeOf(host) === undefined).map((host) => host.name)
    do {
      try {
        for await (const node of nodesAndChanges(connection, ending.signal)) {
          last = undefined
          nodes.set(node.metadata.name, node)
          waiting = missing()
          if (waiting.length === 0) break
        }
      } catch (error) {
        // A server may go while another one stays: asked anew, as long as there is time.
        if (ending.signal.aborted) throw error
        last = error
        await clock.sleep(ASK_AGAIN_MS, ending.signal)
      }
      waiting = missing()
    } while (waiting.length > 0)
    return hosts.flatMap((host) => nodeOf(host)?.metadata.name ?? [])
  } catch (caught) {
    const error = ending.signal.aborted ? ending.signal.reason : caught
    const why = [error, last].flatMap((each) => (each instanceof Error ? [each.message] : [])).join('; asked last: ')
    throw new CannotGoOn(
      `not every node is ready${waiting.length > 0 ? ` (waiting for ${waiting.join(', ')})` : ''}: ${why}\n${await endOfLog(settings, 'worker')}`,
      "'deploy/compose.sh logs worker' shows the logs of the hosts, 'make doctor' checks this machine",
      { cause: error },
    )
  } finally {
    timer.cancel()
    looking.cancel()
    ending.abort()
  }
}

/** Each node as it is, and as it changes, until the watch ends. */
async function* nodesAndChanges(connection: ClusterConnection, signal: AbortSignal): AsyncGenerator<NodeObject> {
  const { status, body } = await connection.get('/api/v1/nodes')
  if (status !== 200) throw new Error(`GET /api/v1/nodes answered ${status}`)
  const list = JSON.parse(body) as { metadata: { resourceVersion: string }; items: NodeObject[] }
  yield* list.items
  const since = list.metadata.resourceVersion
  for await (const line of connection.lines(`/api/v1/nodes?watch=true&resourceVersion=${since}`, signal)) {
    yield (JSON.parse(line) as { object: NodeObject }).object
  }
}

/** Waits until the DNS of each node answers for the API server's Service. @throws CannotGoOn */
export async function awaitDns(settings: Settings): Promise<void> {
  const name = `kubernetes.default.svc.${settings.clusterDomain}`
  const workers = await runningWorkers(settings)
  await Promise.all(
    workers.map(async (worker) => {
      const result = await runCommand('docker', [
        'exec',
        worker.id,
        'node',
        '/coxswain/deploy/worker/ask-dns.js',
        settings.clusterDns,
        name,
        String(DNS_PATIENCE_MS),
      ])
      if (result.code !== 0) {
        throw new CannotGoOn(
          `the cluster's DNS on ${worker.name} does not answer for ${name}: ${lastLines(result.stderr, 2)}\n${await endOfLog(settings, 'worker')}`,
          `'docker logs ${worker.name}' shows the log of its DNS and kube-proxy`,
        )
      }
    }),
  )
}

/** The worker hosts that run. */
export async function runningWorkers(settings: Settings): Promise<HostContainer[]> {
  return (await findContainers(settings, 'worker')).filter((worker) => worker.state === 'running')
}

async function refuseEndedHosts(settings: Settings): Promise<void> {
  const ended = (await findContainers(settings, 'worker')).find(({ state }) => state === 'exited' || state === 'dead')
  if (ended !== undefined) throw new Error(`the host ${ended.name} has ended with exit code ${ended.exitCode}`)
}

interface NodeObject {
  metadata: { name: string }
  status?: { addresses?: { type: string; address: string }[]; conditions?: { type: string; status: string; lastHeartbeatTime?: string }[] }
}

const addressOf = ({ status }: NodeObject) => status?.addresses?.find(({ type }) => type === 'InternalIP')?.address

function isReadySince({ status }: NodeObject, start: Date): boolean {
  const condition = status?.conditions?.find(({ type }) => type === 'Ready')
  // Heartbeats are whole seconds.
  return condition?.status === 'True' && Date.parse(condition.lastHeartbeatTime ?? '') >= Math.floor(start.getTime() / 1000) * 1000
}

async function endOfLog(settings: Settings, service: string): Promise<string> {
  const texts = await Promise.all(
    (await findContainers(settings, service)).map(async ({ id, name }) => {
      const log = await outputOf('sh', ['-c', 'docker logs --tail 8 "$1" 2>&1', 'sh', id])
      return `--- the end of ${name}'s log\n${log}`
    }),
  )
  return texts.join('\n')
}
