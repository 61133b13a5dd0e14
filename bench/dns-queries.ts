// What cluster DNS answers by a second of its CPU time, beside bare datagrams sent back as they came; how long a client waits while others ask as fast
// as they can; and how soon an answer changes after an EndpointSlice did, over a real API server. `tools/node bench/dns-queries.ts`
import { fork } from 'node:child_process'
import { Resolver as Client } from 'node:dns/promises'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { settings } from '../dns/config.ts'
import { createDns } from '../dns/create-dns.ts'
import { createOutside } from '../dns/create-outside.ts'
import { dnsMetrics } from '../dns/dns-metrics.ts'
import { Resolver } from '../dns/resolver.ts'
import { DnsServer } from '../dns/server.ts'
import { silentLogger } from '../shared/logging/logger.ts'
import { Metrics } from '../shared/metrics/metrics.ts'
import { readConfig } from '../shared/process/config.ts'
import { systemRandom } from '../shared/random/random.ts'
import { realClock } from '../shared/time/clock.ts'
import type { DnsLoad, DnsLoadResult } from '../test/harness/dns-load-worker.ts'
import { serviceOf, sliceOf, zoneOver } from '../test/harness/dns-zone.ts'
import { LoadConnection } from '../test/harness/load-connection.ts'
import { measuredServer, NAMESPACE, prepareNamespace } from '../test/harness/measured-server.ts'
import { printRow, ratio } from '../test/harness/pod-load.ts'

const QUERIES = 100_000
const CHANGES = 50
const worker = fileURLToPath(new URL('../test/harness/dns-load-worker.ts', import.meta.url))
const tools = { clock: realClock(), random: systemRandom(), log: silentLogger() }

async function ask(load: DnsLoad): Promise<DnsLoadResult> {
  const child = fork(worker, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  child.send(load)
  const [result] = (await once(child, 'message')) as [DnsLoadResult]
  return result
}

/** As in the process itself: with everything counted. */
function answering() {
  const services = [
    serviceOf('web', { clusterIP: '10.96.0.7', ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 80 }] }),
    serviceOf('db', { clusterIP: 'None' }),
  ]
  const endpoints = Array.from({ length: 5 }, (_, index) => ({ addresses: [`10.244.0.${index}`], conditions: { ready: true } }))
  const outside = createOutside({ domain: 'cluster.local', own: [], resolvConf: '/nonexistent/resolv.conf' }, tools)
  const observer = dnsMetrics(new Metrics())
  const resolver = new Resolver({ zone: zoneOver(services, [sliceOf('db', endpoints)]), outside, observer, ...tools })
  return (message: Buffer, overTcp: boolean, client?: string) => resolver.answer(message, overTcp, client)
}

async function rate(answer: ConstructorParameters<typeof DnsServer>[0], name: string): Promise<number> {
  const server = new DnsServer(answer, silentLogger())
  const { port } = await server.listen('127.0.0.1', 0)
  await ask({ port, name, count: QUERIES / 10, window: 64 })
  const before = process.cpuUsage()
  await ask({ port, name, count: QUERIES, window: 64 })
  const { user, system } = process.cpuUsage(before)
  await server.close()
  return QUERIES / ((user + system) / 1e6)
}

async function waits(answer: ConstructorParameters<typeof DnsServer>[0]): Promise<DnsLoadResult> {
  const server = new DnsServer(answer, silentLogger())
  const { port } = await server.listen('127.0.0.1', 0)
  const name = 'db.default.svc.cluster.local'
  const [result] = await Promise.all([
    ask({ port, name, count: 5_000, window: 1 }),
    ask({ port, name: 'web.default.svc.cluster.local', count: QUERIES, window: 16 }),
  ])
  await server.close()
  return result
}

/** Milliseconds from the API server's answer to the write until DNS says the new address. */
async function changes(): Promise<number[]> {
  const server = await measuredServer()
  const folder = mkdtempSync(join(tmpdir(), 'dns-bench-'))
  try {
    await server.start()
    await prepareNamespace(server.target)
    const { ca, port, token } = server.target
    const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': Buffer.from(ca).toString('base64') }
    const kubeconfig = join(folder, 'kubeconfig')
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'x', clusters: [{ name: 'x', cluster }] },
        ...{ users: [{ name: 'x', user: { token } }], contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }] },
      }),
    )
    writeFileSync(join(folder, 'resolv.conf'), '')
    const args = [
      '--cluster-dns=127.0.53.53',
      '--port=5399',
      '--health-port=0',
      `--kubeconfig=${kubeconfig}`,
      `--resolv-conf=${folder}/resolv.conf`,
    ]
    const dns = createDns(readConfig({ name: 'dns', summary: '' }, settings, { args, env: {} }), tools)
    await dns.start()
    const client = new Client({ timeout: 1_000, tries: 3 })
    client.setServers(['127.0.53.53:5399'])
    const connection = await LoadConnection.open(server.target)
    const base = `/api/v1/namespaces/${NAMESPACE}/services`
    const service = { ...serviceOf('db', { clusterIP: 'None', ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }] }), status: undefined }
    await connection.request('POST', base, JSON.stringify({ ...service, metadata: { name: 'db' } }))
    const path = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`
    const body = (index: number) => {
      const slice = sliceOf('db', [{ addresses: [`10.244.9.${index}`], conditions: { ready: true } }])
      return JSON.stringify({ ...slice, metadata: { ...slice.metadata, namespace: NAMESPACE } })
    }
    const late: number[] = []
    for (let index = 1; index <= CHANGES; index += 1) {
      const { code } = await connection.request(index === 1 ? 'POST' : 'PUT', index === 1 ? path : `${path}/db-1`, body(index))
      const began = performance.now()
      if (code >= 300) throw new Error(`the API server answered ${code}`)
      const isThere = async () =>
        (await client.resolve4(`db.${NAMESPACE}.svc.cluster.local`).catch((): string[] => [])).includes(`10.244.9.${index}`)
      while (!(await isThere())) if (performance.now() - began > 10_000) throw new Error('an answer did not change')
      late.push(performance.now() - began)
    }
    connection.close()
    await dns.stop()
    return late.sort((left, right) => left - right)
  } finally {
    await server.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

const bare = await rate((message) => message, 'web.default.svc.cluster.local')
printRow('datagrams sent back as they came', bare, 'per CPU s')
const answer = answering()
for (const [what, name] of [
  ['a Service', 'web.default.svc.cluster.local'],
  ['a headless Service of five', 'db.default.svc.cluster.local'],
  ['a name that is not there', 'nobody.default.svc.cluster.local'],
] as const) {
  const value = await rate(answer, name)
  printRow(`DNS: ${what}`, value, 'per CPU s', ratio(value, bare))
}
const { median, slow } = await waits(answer)
printRow('one client while another asks 16 at a time', median, 'ms', `99 %: ${slow.toFixed(2)} ms`)
const late = await changes()
printRow(
  'an answer after its EndpointSlice changed',
  late[late.length >> 1] ?? 0,
  'ms',
  `latest of ${CHANGES}: ${late.at(-1)?.toFixed(1)} ms`,
)
