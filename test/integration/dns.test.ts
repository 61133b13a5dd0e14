import assert from 'node:assert/strict'
import { Resolver as Client } from 'node:dns/promises'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { settings } from '../../dns/config.ts'
import { createDns } from '../../dns/create-dns.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { readConfig } from '../../shared/process/config.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { type InProcessCluster, startCluster } from '../../simulation/cluster.ts'
import { address, outsideServer } from '../harness/dns-upstream.ts'
import { serviceOf, sliceOf } from '../harness/dns-zone.ts'
import { soon } from '../harness/soon.ts'

/** An address of this machine that no other test file has. */
const HERE = `127.${1 + (process.pid >> 16)}.${(process.pid >> 8) & 255}.${process.pid & 255}`
const PORT = 5_353
const node = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] }

/** The DNS of one node as it runs there, with a node's rights, on the machine's clock; and who asks it. */
async function startDns(t: TestContext, cluster: InProcessCluster, resolvConf: string, log: Logger = silentLogger()): Promise<Client> {
  const args = [`--cluster-dns=${HERE}`, `--port=${PORT}`, `--resolv-conf=${resolvConf}`, '--health-port=0']
  const config = readConfig({ name: 'dns', summary: '' }, settings, { args, env: {} })
  const transport = cluster.transportOf(node)
  const client = cluster.clientOf(node)
  const connect = () => ({ client, transport, anonymous: cluster.transportOf('nobody'), close() {} })
  const dns = createDns(config, { clock: realClock(), random: systemRandom(), log, connect })
  const started = dns.start()
  await soon(() => cluster.clock.settle())
  await started
  t.after(() => dns.stop())
  const asker = new Client({ timeout: 1_000, tries: 5 })
  asker.setServers([`${HERE}:${PORT}`])
  return asker
}

test('names follow Services, endpoints and what people set, and a bad setting changes nothing', async (t) => {
  const cluster = await startCluster()
  t.after(() => cluster.stop())
  const { client } = cluster
  const folder = mkdtempSync(join(tmpdir(), 'coxswain-dns-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [upstream, corp] = [
    await outsideServer(t, ({ name }) => ({ answers: [address(name, '192.0.2.1')] })),
    await outsideServer(t, ({ name }) => ({ answers: [address(name, '192.0.2.2')] })),
  ]
  const resolvConf = join(folder, 'resolv.conf')
  writeFileSync(resolvConf, `nameserver ${upstream.address}\n`)
  const dns = await startDns(t, cluster, resolvConf)
  assert.equal((await dns.resolve4('kubernetes.default.svc.cluster.local')).length, 1)

  const slice = sliceOf('db', [{ addresses: ['10.244.1.2'], conditions: { ready: true }, hostname: 'db-0' }])
  await client.create('v1', 'Service', serviceOf('db', { clusterIP: 'None', ports: [{ port: 5432, protocol: 'TCP', targetPort: 5432 }] }))
  const created = await client.create('discovery.k8s.io/v1', 'EndpointSlice', slice)
  await soon(async () => assert.deepEqual(await dns.resolve4('db-0.db.default.svc.cluster.local'), ['10.244.1.2']))
  const moved = { ...created, endpoints: [{ addresses: ['10.244.7.7'], conditions: { ready: true } }] }
  await client.update('discovery.k8s.io/v1', 'EndpointSlice', moved)
  await soon(async () => assert.deepEqual(await dns.resolve4('db.default.svc.cluster.local'), ['10.244.7.7']))

  assert.deepEqual(await dns.resolve4('git.corp.example'), ['192.0.2.1'])
  const metadata = { namespace: 'kube-system', name: 'kube-dns' }
  const data = { stubDomains: JSON.stringify({ 'corp.example': [corp.address] }), hosts: '10.9.9.9 printer' }
  const set = await client.create('v1', 'ConfigMap', { metadata, data })
  await soon(async () => assert.deepEqual(await dns.resolve4('git.corp.example'), ['192.0.2.2']))
  assert.deepEqual(await dns.resolve4('printer'), ['10.9.9.9'])

  await client.update('v1', 'ConfigMap', { ...set, data: { stubDomains: '{"corp.example": ["nonsense"]}' } })
  await soon(async () => {
    const { items } = await client.list('v1', 'Event', { namespace: 'kube-system' })
    const [event] = items.filter(({ reason }) => reason === 'InvalidConfiguration')
    assert.match(
      event?.message ?? '',
      /^stubDomains: "corp.example" "nonsense" is no IP address .* The configuration before stays in force\.$/,
    )
    assert.equal(event?.involvedObject.name, 'kube-dns')
  })
  assert.deepEqual(await dns.resolve4('git.corp.example'), ['192.0.2.2'])
  await client.delete('v1', 'ConfigMap', metadata)
  await soon(async () => assert.deepEqual(await dns.resolve4('git.corp.example'), ['192.0.2.1']))
})
