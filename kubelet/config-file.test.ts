import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readAllConfig } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { kubeletConfiguration as configFile } from './config-file.ts'

function read(context: TestContext, content: object, args: string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'kubelet-config-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'kubelet.json')
  writeFileSync(file, JSON.stringify({ apiVersion: configFile.apiVersion, kind: configFile.kind, ...content }))
  return readAllConfig(
    { name: 'kubelet', summary: '', settings, configFile },
    { args: ['--node-name=a', `--config=${file}`, ...args], env: {} },
  )
}

test('a KubeletConfiguration is read into settings, and flags win over it', async (context) => {
  const content = {
    ...{ address: '127.0.0.1', port: 10_251, healthzBindAddress: '0.0.0.0', healthzPort: 0, clusterDomain: 'lab', maxPods: 7 },
    ...{ clusterDNS: ['10.0.0.10', '10.0.0.11'], resolvConf: '/r', nodeStatusUpdateFrequency: '20s', nodeStatusReportFrequency: '5m' },
    ...{ nodeLeaseDurationSeconds: 50, systemReserved: { cpu: '100m', memory: '1Gi' } },
    registerWithTaints: [
      { key: 'gpu', value: 'yes', effect: 'NoSchedule' },
      { key: 'odd', effect: 'NoExecute' },
    ],
  }
  const { config, warnings } = await read(context, content, ['--max-pods=9'])
  assert.deepEqual(warnings, [])
  assert.deepEqual([config.address, config.port, config.bindAddress, config.healthPort], ['127.0.0.1', 10_251, '0.0.0.0', 0])
  assert.deepEqual([config.clusterDomain, config.clusterDns, config.resolvConf], ['lab', ['10.0.0.10', '10.0.0.11'], '/r'])
  assert.deepEqual(
    [config.nodeStatusUpdateFrequency, config.nodeStatusReportFrequency, config.nodeLeaseDurationSeconds],
    [20_000, 300_000, 50],
  )
  assert.deepEqual(
    [config.systemReserved, config.registerWithTaints],
    [
      ['cpu=100m', 'memory=1Gi'],
      ['gpu=yes:NoSchedule', 'odd:NoExecute'],
    ],
  )
  assert.equal(config.maxPods, 9)
})

test('fields of upstream’s kind that are not acted on are told; others are errors that name the nearest', async (context) => {
  const { warnings } = await read(context, { qosReserved: { memory: '5%' }, featureGates: {} })
  assert.deepEqual(warnings.map((warning) => /: (\w+) is a field of KubeletConfiguration/.exec(warning)?.[1]).sort(), [
    'featureGates',
    'qosReserved',
  ])
  await assert.rejects(read(context, { maxPod: 3 }), /maxPod: unknown field; did you mean maxPods\?/)
  await assert.rejects(read(context, { maxPods: '3' }), /maxPods: must be integer/)
  await assert.rejects(read(context, { maxPods: 0 }), /maxPods: 0 is not between/)
  await assert.rejects(
    read(context, { registerWithTaints: [{ key: 'a' }] }),
    /registerWithTaints\[0\]: must have required property 'effect'/,
  )
})
