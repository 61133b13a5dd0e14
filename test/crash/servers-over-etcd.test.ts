import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Client } from '../../shared/client/client.ts'
import { connectClient } from '../../shared/client/connect.ts'
import { realClock } from '../../shared/time/clock.ts'
import { apiServerProcess } from '../harness/apiserver-process.ts'
import { privateEtcd } from '../harness/private-etcd.ts'
import { soon } from '../harness/soon.ts'

const clock = realClock()

test('servers that are killed while they give numbers have given none twice, and what they left half is repaired', async (t) => {
  const etcd = await privateEtcd()
  t.after(() => etcd.dispose())
  const pki = mkdtempSync(join(tmpdir(), 'pki-'))
  t.after(() => rmSync(pki, { recursive: true, force: true }))
  const flags = [`--etcd-servers=${etcd.endpoints.join()}`, `--pki-dir=${pki}`, '--service-cluster-ip-range=10.96.0.0/24']
  const servers = [await apiServerProcess(), await apiServerProcess()]
  for (const server of servers) t.after(() => server.remove())
  await Promise.all(servers.map((server) => server.start(flags)))
  const clients = servers.map(({ kubeconfig }) => connectClient({ kubeconfig, clock, userAgent: 'crash test' }))
  t.after(() => clients.forEach(({ close }) => void close()))
  const [here, there] = clients.map(({ client }) => client) as [Client, Client]

  for (const round of [0, 1]) {
    if (round > 0) await servers[1]!.start(flags)
    const acknowledged: string[] = []
    const make = async (client: Client, name: string) => {
      const spec = { type: 'NodePort', ports: [{ port: 80 }] }
      await client.create('v1', 'Service', { metadata: { namespace: 'default', name }, spec })
      acknowledged.push(name)
      // In the midst of the others, some of which are begun, some half done.
      if (acknowledged.length === 8) await servers[1]!.kill('SIGKILL')
    }
    const names = Array.from({ length: 30 }, (_, n) => `r${round}-${n}`)
    const outcomes = await Promise.allSettled(names.map((name, n) => make(n % 2 === 0 ? here : there, name)))
    assert.ok(
      outcomes.some(({ status }) => status === 'rejected'),
      'the kill was in the midst',
    )
    const { items } = await here.list('v1', 'Service')
    const stored = new Set(items.map(({ metadata }) => metadata.name))
    for (const name of acknowledged) assert.ok(stored.has(name), `${name} was acknowledged`)
    const addresses = items.map(({ spec }) => spec.clusterIP)
    assert.equal(new Set(addresses).size, addresses.length)
    const ports = items.flatMap(({ spec }) => spec.ports?.flatMap(({ nodePort }) => nodePort ?? []) ?? [])
    assert.equal(new Set(ports).size, ports.length)
  }
  await soon(async () => {
    const { items } = await here.list('v1', 'Service')
    const objects = new Set((await here.list('networking.k8s.io/v1', 'IPAddress')).items.map(({ metadata }) => metadata.name))
    assert.deepEqual(
      items.filter(({ spec }) => !objects.has(spec.clusterIP)).map(({ metadata }) => metadata.name),
      [],
    )
  })
})
