/** A leader that stands still beyond its lease (SIGSTOP), and goes on while another leads, writes nothing more: not even what it had in hand. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connectClient } from '../../shared/client/connect.ts'
import { realClock } from '../../shared/time/clock.ts'
import { auditScene } from '../harness/audited-api.ts'
import { eventually } from '../harness/eventually.ts'
import { serveApi } from '../harness/served-api.ts'
import { tcpGate } from '../harness/tcp-gate.ts'
import { deployment } from '../harness/workloads.ts'

const main = fileURLToPath(new URL('../../controller-manager/main.ts', import.meta.url))
const WRITES = ['create', 'update', 'patch', 'delete']

interface Manager {
  readonly process: ChildProcess
  /** The address that the API server sees it come from. */
  readonly from: string
}

/** A controller manager as a process of its own, which the API server tells from others by its address. */
async function manager(t: TestContext, credentials: string, port: number, from: string): Promise<Manager> {
  const gate = await tcpGate(port, from)
  t.after(() => gate.close())
  const kubeconfig = join(credentials, `manager-${from}.kubeconfig`)
  const text = readFileSync(join(credentials, 'controller-manager.kubeconfig'), 'utf8')
  writeFileSync(kubeconfig, text.replace(/https:\/\/[^"]+/, `https://127.0.0.1:${gate.port}`))
  const args = [
    ...[`--kubeconfig=${kubeconfig}`, '--health-port=0', '--controllers=deployment,replicaset,serviceaccount'],
    ...[`--root-ca-file=${credentials}/ca.crt`, `--cluster-signing-cert-file=${credentials}/signing/ca.crt`],
    ...[`--cluster-signing-key-file=${credentials}/signing/ca.key`, '--leader-elect-lease-duration=3s'],
    ...['--leader-elect-renew-deadline=2s', '--leader-elect-retry-period=250ms'],
  ]
  const started = spawn(process.execPath, [main, ...args], { stdio: 'ignore' })
  t.after(() => started.kill('SIGKILL'))
  return { process: started, from }
}

test('a leader that stood still while another took over ends, and writes nothing', async (t) => {
  const audit = auditScene(t, { rules: [{ level: 'Metadata', omitStages: ['RequestReceived'] }] })
  const served = await serveApi(audit.options.args)
  t.after(() => served.stop())
  const credentials = join(served.directory, 'credentials')
  const port = Number(new URL(served.server.url).port)
  const { client, close } = connectClient({ kubeconfig: join(credentials, 'admin.kubeconfig'), clock: realClock(), userAgent: 'test' })
  t.after(close)
  const untilLed = (by: (holder: string) => boolean) =>
    eventually(client, ['coordination.k8s.io/v1', 'Lease'], (leases) => leases.some(({ spec }) => by(spec.holderIdentity ?? '')), {
      ...{ namespace: 'kube-system', fieldSelector: 'metadata.name=kube-controller-manager' },
    })
  const untilPods = (count: number) => eventually(client, ['v1', 'Pod'], (pods) => pods.length === count, { namespace: 'default' })
  const writesOf = ({ from }: Manager) =>
    audit.read().filter(({ verb, sourceIPs, responseStatus }) => {
      return WRITES.includes(verb) && sourceIPs[0] === from && responseStatus.code < 300
    })

  const first = await manager(t, credentials, port, '127.0.0.2')
  await untilLed((holder) => holder !== '')
  const leader = (await client.get('coordination.k8s.io/v1', 'Lease', { namespace: 'kube-system', name: 'kube-controller-manager' })).spec
    .holderIdentity
  await client.create('apps/v1', 'Deployment', deployment('web', 2))
  await untilPods(2)
  assert.ok(writesOf(first).length > 3, 'it is this one that has written so far')

  const second = await manager(t, credentials, port, '127.0.0.3')
  first.process.kill('SIGSTOP')
  await untilLed((holder) => holder !== leader && holder !== '')
  // The new one stands still too: what there is to do is done by the old one, or by nobody.
  second.process.kill('SIGSTOP')
  await client.create('apps/v1', 'Deployment', deployment('tempting', 2))
  const before = writesOf(first).length
  first.process.kill('SIGCONT')
  const [code] = await once(first.process, 'exit')
  assert.equal(code, 1, 'what it was, it is no more')
  assert.deepEqual(writesOf(first).slice(before), [])
  const sets = await client.list('apps/v1', 'ReplicaSet', { namespace: 'default' })
  assert.deepEqual(
    sets.items.map(({ metadata }) => metadata.labels?.['app']),
    ['web'],
  )
})
