import assert from 'node:assert/strict'
import test from 'node:test'
import type { Deployment, ReplicaSet } from '../../../shared/openapi/generated/apps-v1.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { defaultPodSpec } from '../pod/pod-defaults.ts'
import { deploymentProblems } from './deployment.ts'
import { replicaSetProblems } from './replica-set.ts'

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'x' }] } }
const good = { selector: { matchLabels: { app: 'a' } }, template, strategy: { type: 'Recreate' } }

function deploymentLines(change: object): string[] {
  const { spec } = decodeObject(
    'apps/v1',
    'Deployment',
    { spec: structuredClone({ ...good, ...change }) },
    { fieldValidation: 'Strict' },
  ) as Deployment
  defaultPodSpec(spec.template.spec)
  return [...deploymentProblems(spec)].map((problem) => `${problem.path}: ${problem.message}`)
}

test('Deployments', () => {
  assert.deepEqual(deploymentLines({}), [])
  assert.deepEqual(deploymentLines({ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '10%', maxUnavailable: 0 } } }), [])
  const cases: [object, string][] = [
    [{ selector: undefined }, 'spec.selector: Required value'],
    [{ selector: {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    [
      { selector: { matchLabels: { app: 'b' } } },
      'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ],
    [
      { selector: { matchExpressions: [{ key: 'app', operator: 'Near' }] } },
      'spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
    ],
    [{ replicas: -1 }, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    [
      { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
    [
      { template: { ...template, spec: { ...template.spec, activeDeadlineSeconds: 5 } } },
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported',
    ],
    [
      { template: { ...template, metadata: { labels: { app: 'a', 'b c': 'd' } } } },
      'spec.template.labels: Invalid value: "b c": name part must consist of',
    ],
    [
      { strategy: { type: 'BlueGreen' } },
      'spec.strategy.type: Unsupported value: "BlueGreen": supported values: "Recreate", "RollingUpdate"',
    ],
    [
      { strategy: { type: 'Recreate', rollingUpdate: {} } },
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '0%', maxUnavailable: 0 } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ],
    [
      { strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '101%' } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ],
    [
      { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 'many' } } },
      'spec.strategy.rollingUpdate.maxSurge: Invalid value: "many": a valid percent string',
    ],
    [
      { progressDeadlineSeconds: 5, minReadySeconds: 5 },
      'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
    ],
  ]
  for (const [change, expected] of cases) {
    const found = deploymentLines(change)
    assert.ok(
      found.some((line) => line.startsWith(expected)),
      `${JSON.stringify(change)}\n  wanted ${expected}\n  found  ${found.join('\n         ')}`,
    )
  }
})

test('ReplicaSets', () => {
  const lines = (spec: object) => {
    const set = decodeObject('apps/v1', 'ReplicaSet', { spec: structuredClone(spec) }, { fieldValidation: 'Strict' }) as ReplicaSet
    if (set.spec.template) defaultPodSpec(set.spec.template.spec)
    return [...replicaSetProblems(set.spec)].map((problem) => `${problem.path}: ${problem.message}`)
  }
  assert.deepEqual(lines({ selector: good.selector, template }), [])
  assert.deepEqual(lines({ selector: good.selector, template: { ...template, metadata: {} } }), [
    'spec.template.metadata.labels: Invalid value: {}: `selector` does not match template `labels`',
  ])
  assert.deepEqual(lines({ replicas: -1, selector: good.selector, template }), [
    'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  ])
})
