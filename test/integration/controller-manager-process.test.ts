import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { settings } from '../../controller-manager/config.ts'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import { connectClient } from '../../shared/client/connect.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { readConfig } from '../../shared/process/config.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { eventually } from '../harness/eventually.ts'
import { serveApi } from '../harness/served-api.ts'
import { deployment } from '../harness/workloads.ts'

test('over TLS, with its certificate and its controllers’ tokens, before and after a restart of the server', async (t) => {
  const clock = realClock()
  const first = await serveApi(['--storage=leveldb'])
  const port = new URL(first.server.url).port
  const credentials = (file: string) => join(first.directory, 'credentials', file)
  const args = [
    ...[`--kubeconfig=${credentials('controller-manager.kubeconfig')}`, '--leader-elect=true', '--health-port=0'],
    ...[`--root-ca-file=${credentials('ca.crt')}`, `--cluster-signing-cert-file=${credentials('signing/ca.crt')}`],
    `--cluster-signing-key-file=${credentials('signing/ca.key')}`,
  ]
  const config = readConfig({ name: 'controller-manager', summary: '' }, settings, { args, env: {} })
  const manager = await createControllerManager(config, { clock, random: systemRandom(), log: silentLogger() })
  const { client, close } = connectClient({ kubeconfig: credentials('admin.kubeconfig'), clock, userAgent: 'test' })
  const untilPods = (count: number) => eventually(client, ['v1', 'Pod'], (pods) => pods.length === count, { namespace: 'default' })
  let served = first
  t.after(async () => {
    await manager.stop()
    close()
    await served.stop()
  })
  await manager.start()
  await client.create('apps/v1', 'Deployment', deployment('web', 2))
  await untilPods(2)

  await first.stop({ keep: true })
  served = await serveApi(['--storage=leveldb', `--secure-port=${port}`], first.directory)
  await client.patch('apps/v1', 'Deployment', { namespace: 'default', name: 'web' }, { type: 'merge', body: { spec: { replicas: 4 } } })
  await untilPods(4)
  const { items } = await client.list('v1', 'ServiceAccount', { namespace: 'kube-system' })
  const accounts = items.map(({ metadata }) => metadata.name)
  for (const account of ['deployment-controller', 'replicaset-controller']) assert.ok(accounts.includes(account), account)
})
