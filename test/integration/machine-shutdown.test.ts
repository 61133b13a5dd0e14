import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { eventually } from '../harness/eventually.ts'
import { startRealNode } from '../harness/kubelet-process.ts'
import { soon } from '../harness/soon.ts'

const podOf = (name: string, script: string) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
  spec: { containers: [{ name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script] }] },
})
const forever = 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done'

test('on SIGPWR a real kubelet ends its pods and itself; the next one begins static pods anew, and no others', async (t) => {
  const manifests = mkdtempSync(join(tmpdir(), 'coxswain-manifests-'))
  t.after(() => rmSync(manifests, { recursive: true, force: true }))
  mkdirSync(manifests, { recursive: true })
  writeFileSync(join(manifests, 'own.json'), JSON.stringify(podOf('own', forever)))
  const flags = [
    `--pod-manifest-path=${manifests}`,
    '--shutdown-grace-period=20s',
    '--shutdown-grace-period-critical-pods=10s',
    ...['--container-log-max-size=64Ki', '--container-log-max-files=3'],
  ]
  const node = await startRealNode('10.199.92.0/24', [], flags)
  t.after(() => node.dispose())
  await node.joined()
  const { client, nodeName } = node
  const pods = async (holds: (of: (name: string) => Pod | undefined) => boolean) => {
    const isSo = (all: Pod[]) => holds((name) => all.find(({ metadata }) => metadata.name === name))
    await eventually(client, ['v1', 'Pod'], isSo, { namespace: 'default', withinMilliseconds: 60_000 })
  }
  const own = `own-${nodeName}`
  await client.create('v1', 'Pod', podOf('web', forever), { namespace: 'default' })
  await pods((of) => of('web')?.status.phase === 'Running' && of(own)?.status.phase === 'Running')
  const shown = await node.kubectl.in('default').ok('get pods --no-headers')
  assert.match(shown, new RegExp(`^${own} +1/1 +Running`, 'm'))

  const { containerStatuses } = (await client.get('v1', 'Pod', { namespace: 'default', name: 'web' })).status
  const id = containerStatuses?.[0]?.containerID?.replace('docker://', '') ?? ''
  const link = join(node.api.directory, 'container-logs', `web_default_main-${id}.log`)
  await soon(() => assert.match(readFileSync(link, 'utf8'), /"log":"up\\n"/, 'a log agent finds it'))

  const kept = await outputOf('docker', ['inspect', '--format', '{{json .HostConfig.LogConfig.Config}}', id])
  assert.deepEqual(JSON.parse(kept), { 'max-file': '3', 'max-size': '65536b' })

  const ended = once(node.kubelet, 'exit')
  node.kubelet.kill('SIGPWR')
  assert.deepEqual(await ended, [0, null])
  const web = await client.get('v1', 'Pod', { namespace: 'default', name: 'web' })
  assert.deepEqual([web.status.phase, web.status.reason], ['Failed', 'Terminated'])
  assert.equal(web.status.containerStatuses?.[0]?.state.terminated?.exitCode, 7, 'it was asked, not killed')
  assert.equal((await client.get('v1', 'Pod', { namespace: 'default', name: own })).status.reason, 'Terminated')
  const { status } = await client.get('v1', 'Node', { name: nodeName })
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  assert.deepEqual([ready?.status, ready?.message], ['False', 'node is shutting down'])
  assert.deepEqual(await node.containers({ running: true }), [])

  node.startKubelet()
  await pods((of) => of(own)?.status.phase === 'Running' && of('web')?.status.phase === 'Failed')
})
