import type { Clock } from '../shared/time/clock.ts'
import { type ClusterConnection, connect, withServer } from './cluster-connection.ts'
import { lastLines, outputOf, runCommand } from './command.ts'
import { findContainers, type HostContainer } from './hosts.ts'
import type { Settings } from './settings.ts'
import { CannotGoOn } from './step.ts'

/** How often something that cannot announce itself is asked again. */
const ASK_AGAIN_MS = 50

/** A process that ends this often will not come up by waiting. */
const RESTARTS_THAT_ARE_ENOUGH = 4

const API_SERVER_PATIENCE_MS = 60_000
const NODES_PATIENCE_MS = 120_000
const DNS_PATIENCE_MS = 60_000

/**
 * Waits until the API server is ready and gives the administrator's kubeconfig, with an address that this machine reaches.
 * @throws CannotGoOn with the last lines of its log when the API server ends or takes longer than a minute
 */
export async function awaitApiServer(settings: Settings, clock: Clock): Promise<string> {
  const deadline = clock.monotonic() + API_SERVER_PATIENCE_MS
  let last = 'it has not written its credentials'
  while (clock.monotonic() < deadline) {
    const [apiserver] = await findContainers(settings, 'apiserver')
    if (apiserver === undefined) throw new CannotGoOn('there is no container of the API server', 'make down, then make up')
    if (apiserver.restarts >= RESTARTS_THAT_ARE_ENOUGH) {
      last = `it ended and was started again ${apiserver.restarts} times`
      break
    }
    if (apiserver.state === 'running') {
      const file = await runCommand('docker', ['exec', apiserver.id, 'cat', '/etc/coxswain/admin.kubeconfig'])
      if (file.code === 0 && file.stdout.trim() !== '') {
        const kubeconfig = withServer(file.stdout, `https://127.0.0.1:${settings.apiPort}`)
        const connection = connect(kubeconfig)
        try {
          const { status } = await connection.get('/readyz')
          if (status === 200) return kubeconfig
          last = `/readyz answers ${status}`
        } catch (error) {
          last = error instanceof Error ? error.message : String(error)
        } finally {
          connection.close()
        }
      }
    } else if (apiserver.state === 'exited' || apiserver.state === 'restarting') {
      last = `its process ended with exit code ${apiserver.exitCode}`
    }
    await clock.sleep(ASK_AGAIN_MS)
  }
  throw new CannotGoOn(
    `the API server is not ready: ${last}\n${await endOfLog(settings, 'apiserver')}`,
    "'deploy/compose.sh logs apiserver' shows all of its log",
  )
}

/**
 * Waits until each worker host's node is Ready, watching nodes; a condition from before its host started does not count.
 * @returns the names of the nodes
 * @throws CannotGoOn naming the nodes that are not Ready
 */
export async function awaitNodes(settings: Settings, connection: ClusterConnection, clock: Clock): Promise<string[]> {
  const ending = new AbortController()
  const timer = clock.after(NODES_PATIENCE_MS, () => ending.abort(new Error(`${NODES_PATIENCE_MS / 1000} s have passed`)))
  const ready = new Map<string, number>()
  let waiting: string[] = []
  try {
    const expected = await expectedNodes(settings, clock, ending.signal)
    const note = (node: NodeObject) => {
      const condition = node.status?.conditions?.find((one) => one.type === 'Ready')
      if (condition?.status === 'True') ready.set(node.metadata.name, Date.parse(condition.lastHeartbeatTime ?? ''))
      else ready.delete(node.metadata.name)
    }
    // Heartbeats are whole seconds.
    const isReady = ({ name, startedAt }: ExpectedNode) => (ready.get(name) ?? 0) >= Math.floor(startedAt.getTime() / 1000) * 1000
    const list = JSON.parse((await connection.get('/api/v1/nodes')).body) as { metadata: { resourceVersion: string }; items: NodeObject[] }
    for (const node of list.items) note(node)
    waiting = expected.filter((node) => !isReady(node)).map((node) => node.name)
    if (waiting.length > 0) {
      for await (const line of connection.lines(
        `/api/v1/nodes?watch=true&resourceVersion=${list.metadata.resourceVersion}`,
        ending.signal,
      )) {
        note((JSON.parse(line) as { object: NodeObject }).object)
        waiting = expected.filter((node) => !isReady(node)).map((node) => node.name)
        if (waiting.length === 0) break
      }
    }
    if (waiting.length > 0) throw new Error('the watch of nodes ended')
    return expected.map((node) => node.name)
  } catch (caught) {
    const error = ending.signal.aborted ? ending.signal.reason : caught
    throw new CannotGoOn(
      `not every node is ready${waiting.length > 0 ? ` (waiting for ${waiting.join(', ')})` : ''}: ${error instanceof Error ? error.message : error}\n${await endOfLog(settings, 'worker')}`,
      "'deploy/compose.sh logs worker' shows the logs of the hosts, 'make doctor' checks this machine",
      { cause: error },
    )
  } finally {
    timer.cancel()
    ending.abort()
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

interface NodeObject {
  metadata: { name: string }
  status?: { conditions?: { type: string; status: string; lastHeartbeatTime?: string }[] }
}

interface ExpectedNode {
  name: string
  startedAt: Date
}

/** The node name of each worker host, which the host itself finds within its first second. */
async function expectedNodes(settings: Settings, clock: Clock, signal: AbortSignal): Promise<ExpectedNode[]> {
  const named = new Map<string, ExpectedNode>()
  for (;;) {
    const workers = await findContainers(settings, 'worker')
    const ended = workers.find((worker) => worker.state === 'exited' || worker.state === 'dead')
    if (ended !== undefined) throw new Error(`the host ${ended.name} has ended with exit code ${ended.exitCode}`)
    for (const { id, startedAt } of workers) {
      if (named.has(id)) continue
      const file = await runCommand('docker', ['exec', id, 'cat', '/var/lib/kubelet/node-name'])
      if (file.code === 0 && file.stdout.trim() !== '') named.set(id, { name: file.stdout.trim(), startedAt })
    }
    if (named.size >= workers.length) return [...named.values()]
    await clock.sleep(ASK_AGAIN_MS, signal)
  }
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
