import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readAllConfig } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { schedulerConfiguration as configFile } from './config-file.ts'
import { defaultProfile, profileOf } from './profile.ts'

function read(context: TestContext, content: object, args: string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'scheduler-config-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'scheduler.json')
  writeFileSync(file, JSON.stringify({ apiVersion: configFile.apiVersion, kind: configFile.kind, ...content }))
  return readAllConfig({ name: 'scheduler', summary: '', settings, configFile }, { args: [`--config=${file}`, ...args], env: {} })
}

const described = (changes: readonly string[]) =>
  profileOf(changes).map(({ plugin, weight }) => `${plugin.name}=${plugin.score ? weight : '-'}`)

test('a KubeSchedulerConfiguration is read into settings and a policy', async (context) => {
  const content = {
    leaderElection: { leaderElect: false, leaseDuration: '30s', resourceName: 'mine' },
    clientConnection: { kubeconfig: '/k' },
    profiles: [
      {
        schedulerName: 'mine',
        plugins: {
          multiPoint: { disabled: [{ name: 'NodePorts' }], enabled: [{ name: 'ImageLocality', weight: 9 }] },
          score: { disabled: [{ name: 'TaintToleration' }], enabled: [{ name: 'NodeAffinity' }] },
        },
      },
    ],
  }
  const { config, warnings } = await read(context, content)
  assert.deepEqual(warnings, [])
  assert.deepEqual([config.leaderElect, config.kubeconfig, config.schedulerName], [false, '/k', 'mine'])
  assert.deepEqual([config.leaderElectLeaseDuration, config.leaderElectResourceName], [30_000, 'mine'])
  const policy = described(config.plugins)
  assert.ok(!policy.some((rule) => rule.startsWith('NodePorts')))
  assert.ok(policy.includes('ImageLocality=9') && policy.includes('TaintToleration=-') && policy.includes('NodeAffinity=1'), policy.join())
  assert.equal((await read(context, content, ['--scheduler-name=other'])).config.schedulerName, 'other')
})

test('nothing said is the default policy; everything can be left out and some brought back', () => {
  assert.deepEqual(
    profileOf([]).map(({ plugin }) => plugin.name),
    defaultProfile().map(({ plugin }) => plugin.name),
  )
  assert.deepEqual(described(['-*', 'NodeResourcesFit=2']), ['NodeResourcesFit=2'])
  assert.ok(described(['*=0']).every((rule) => rule.endsWith('=-')))
})

test('what cannot be done is said, with its place', async (context) => {
  assert.throws(() => profileOf(['NodePort=1']), /there is no rule "NodePort"; did you mean NodePorts\?/)
  assert.throws(() => profileOf(['NodePorts']), /neither Name=weight nor -Name/)
  await assert.rejects(read(context, { profiles: [{}, {}] }), /profiles: must NOT have more than 1 items/)
  await assert.rejects(
    read(context, { profiles: [{ schedulerNames: 'x' }] }),
    /profiles\[0\]\.schedulerNames: unknown field; did you mean schedulerName\?/,
  )
  const { warnings } = await read(context, { parallelism: 8, profiles: [{ pluginConfig: [] }] })
  assert.match(
    warnings.join('\n'),
    /profiles\[0\]\.pluginConfig is a field[\s\S]*parallelism is a field|parallelism is a field[\s\S]*profiles\[0\]\.pluginConfig is a field/,
  )
})
