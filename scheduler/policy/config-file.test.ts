import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readAllConfig } from '../../shared/process/run.ts'
import { settings } from '../config.ts'
import { schedulerConfiguration as configFile } from './config-file.ts'
import { changesOfFlag, defaultProfile, profileOf, type Weighted } from './profile.ts'
import { readPolicy } from './read-policy.ts'

async function read(context: TestContext, content: object, args: string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'scheduler-config-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'scheduler.json')
  writeFileSync(file, JSON.stringify({ apiVersion: configFile.apiVersion, kind: configFile.kind, ...content }))
  const sources = { args: [`--config=${file}`, ...args], env: {} }
  const { config, warnings } = await readAllConfig({ name: 'scheduler', summary: '', settings, configFile }, sources)
  return { config, warnings, policy: await readPolicy(config) }
}

const described = (rules: readonly Weighted[] = []) => rules.map(({ plugin, weight }) => `${plugin.name}=${plugin.score ? weight : '-'}`)
const byFlag = (...changes: string[]) => described(profileOf(changesOfFlag(changes)).rules)

test('a KubeSchedulerConfiguration is read into settings and a policy', async (context) => {
  const content = {
    ...{ leaderElection: { leaderElect: false, leaseDuration: '30s', resourceName: 'mine' }, clientConnection: { kubeconfig: '/k' } },
    ...{ podInitialBackoffSeconds: 2, podMaxBackoffSeconds: 5, percentageOfNodesToScore: 30 },
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
  const { config, warnings, policy } = await read(context, content)
  assert.deepEqual(warnings, [])
  const [profile] = policy.profiles
  assert.deepEqual([config.leaderElect, config.kubeconfig, profile?.schedulerName], [false, '/k', 'mine'])
  assert.deepEqual([config.leaderElectLeaseDuration, config.leaderElectResourceName], [30_000, 'mine'])
  assert.deepEqual([policy.firstBackoffMilliseconds, policy.longestBackoffMilliseconds, profile?.percentageOfNodes], [2_000, 5_000, 30])
  const rules = described(profile?.rules)
  assert.ok(!rules.some((rule) => rule.startsWith('NodePorts')))
  assert.ok(rules.includes('ImageLocality=9') && rules.includes('TaintToleration=-') && rules.includes('NodeAffinity=1'), rules.join())
  const other = await read(context, content, ['--scheduler-name=other', '--plugins=-NodeName'])
  assert.equal(other.policy.profiles[0]?.schedulerName, 'other')
  assert.deepEqual(
    described(other.policy.profiles[0]?.rules),
    rules.filter((rule) => !rule.startsWith('NodeName=')),
  )
})

test('nothing said is the default policy; everything can be left out and some brought back', () => {
  assert.deepEqual(byFlag(), described(defaultProfile()))
  assert.deepEqual(byFlag('-*', 'NodeResourcesFit=2'), ['NodeResourcesFit=2'])
  assert.ok(byFlag('*=0').every((rule) => rule.endsWith('=-')))
})

test('each profile has its own rules, and its own arguments for them', async (context) => {
  const { policy, warnings } = await read(context, {
    profiles: [
      { schedulerName: 'default-scheduler' },
      {
        schedulerName: 'packing',
        percentageOfNodesToScore: 100,
        plugins: {
          postFilter: { disabled: [{ name: '*' }] },
          filter: { disabled: [{ name: 'NodePorts' }] },
          preEnqueue: { disabled: [{ name: '*' }] },
        },
        pluginConfig: [
          {
            name: 'NodeResourcesFit',
            args: { kind: 'NodeResourcesFitArgs', scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 3 }] } },
          },
          { name: 'DefaultPreemption', args: { minCandidateNodesPercentage: 20 } },
          { name: 'VolumeBinding', args: { bindTimeoutSeconds: 9 } },
        ],
      },
    ],
  })
  const [plain, packing] = policy.profiles
  assert.deepEqual(described(plain?.rules), described(defaultProfile()))
  assert.deepEqual([plain?.preemption, packing?.preemption, packing?.percentageOfNodes], [{}, undefined, 100])
  const ruleOf = (name: string) => packing?.rules.find(({ plugin }) => plugin.name === name)?.plugin
  assert.deepEqual([ruleOf('NodePorts')?.filter, ruleOf('SchedulingGates')?.gate], [undefined, undefined])
  assert.match(warnings.join(), /profiles\[1\]\.pluginConfig\[2\]\.args is a field/)
})

const named = (schedulerName: string, more: object = {}) => ({ profiles: [{ schedulerName, ...more }] })
const args = (name: string, of: object) => named('x', { pluginConfig: [{ name, args: of }] })
const shaped = (...shape: object[]) =>
  args('NodeResourcesFit', { scoringStrategy: { type: 'RequestedToCapacityRatio', requestedToCapacityRatio: { shape } } })
const wrong: [string, object, RegExp][] = [
  ['an unknown field', named('x', { schedulerNames: 'y' }), /profiles\[0\]\.schedulerNames: unknown field; did you mean schedulerName\?/],
  [
    'two of one name',
    { profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] },
    /profiles\[1\]\.schedulerName: "a" has a profile already/,
  ],
  ['one of several without a name', { profiles: [{ schedulerName: 'a' }, {}] }, /profiles\[1\]\.schedulerName: is required/],
  [
    'no such rule',
    named('x', { plugins: { score: { enabled: [{ name: 'NodePort' }] } } }),
    /profiles\[0\]\.plugins\.score\.enabled\[0\]\.name: there is no rule "NodePort"; did you mean NodePorts\?/,
  ],
  ['arguments for nobody', args('NodeResourceFit', {}), /profiles\[0\]\.pluginConfig\[0\]\.name: must be one of \["NodeResourcesFit"/],
  [
    'an unknown argument',
    args('InterPodAffinity', { hardPodAffinityWeigth: 1 }),
    /pluginConfig\[0\]\.args\.hardPodAffinityWeigth: unknown field; did you mean hardPodAffinityWeight\?$/,
  ],
  ['too heavy', args('InterPodAffinity', { hardPodAffinityWeight: 101 }), /args\.hardPodAffinityWeight: must be <= 100$/],
  ["another's kind", args('NodeAffinity', { kind: 'NodeResourcesFitArgs' }), /args\.kind: must be equal to constant/],
  [
    'twice',
    named('x', { pluginConfig: [{ name: 'NodeAffinity' }, { name: 'NodeAffinity' }] }),
    /pluginConfig\[1\]\.name: NodeAffinity has its arguments already/,
  ],
  ['no shape', shaped(), /shape: must NOT have fewer than 1 items/],
  [
    'a shape that goes back',
    shaped({ utilization: 50, score: 1 }, { utilization: 50, score: 2 }),
    /shape\[1\]\.utilization: utilization values must be sorted/,
  ],
  [
    'no strategy',
    args('NodeResourcesFit', { scoringStrategy: { type: 'Most' } }),
    /scoringStrategy\.type: must be one of \["LeastAllocated"/,
  ],
  [
    'a list that is none',
    args('PodTopologySpread', {
      defaultingType: 'System',
      defaultConstraints: [{ maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'ScheduleAnyway' }],
    }),
    /PodTopologySpread: defaultConstraints: when \.defaultingType is System, must be empty/,
  ],
  ['no candidates', args('DefaultPreemption', { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }), /cannot both be zero/],
  ['back-offs that shrink', { podInitialBackoffSeconds: 20 }, /podMaxBackoffSeconds: must not be less than podInitialBackoffSeconds/],
]
for (const [what, content, message] of wrong) {
  test(`what cannot be done is said, with its place: ${what}`, (context) => assert.rejects(read(context, content), message))
}

test('flags are about one profile', async (context) => {
  assert.throws(() => byFlag('NodePort=1'), /--plugins: there is no rule "NodePort"; did you mean NodePorts\?/)
  assert.throws(() => byFlag('NodePorts'), /neither Name=weight nor -Name/)
  const two = { profiles: [{ schedulerName: 'a' }, { schedulerName: 'b' }] }
  await assert.rejects(read(context, two, ['--plugins=-NodePorts']), /are about one profile/)
  const { warnings } = await read(context, { parallelism: 8 })
  assert.match(warnings.join(), /parallelism is a field/)
})
