import assert from 'node:assert/strict'
import test from 'node:test'
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../../../shared/openapi/generated/apps-v1.ts'
import { defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { daemonSetProblems, daemonSetStatusProblems } from './daemon-set.ts'
import { deploymentProblems } from './deployment.ts'
import { replicaSetProblems } from './replica-set.ts'
import { statefulSetProblems, statefulSetStatusProblems, statefulSetUpdateProblems } from './stateful-set.ts'

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

test('DaemonSets', () => {
  const base = { selector: { matchLabels: { app: 'a' } }, template, updateStrategy: { type: 'OnDelete' } }
  const lines = (change: object) => {
    const spec = structuredClone({ ...base, ...change })
    const set = decodeObject('apps/v1', 'DaemonSet', { spec }, { fieldValidation: 'Strict' }) as DaemonSet
    defaultPodSpec(set.spec.template.spec)
    return [...daemonSetProblems(set.spec)].map((problem) => `${problem.path}: ${problem.message}`)
  }
  const rolling = (rollingUpdate: object | undefined) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } })
  const at = 'spec.updateStrategy.rollingUpdate'
  assert.deepEqual(lines({}), [])
  assert.deepEqual(lines(rolling({ maxUnavailable: '10%', maxSurge: 0 })), [])
  assert.deepEqual(lines(rolling({ maxUnavailable: 0, maxSurge: '100%' })), [])
  const cases: [object, string][] = [
    [{ selector: {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for daemonset'],
    [{ minReadySeconds: -1 }, 'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0'],
    [{ revisionHistoryLimit: -1 }, 'spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0'],
    [
      { template: { ...template, spec: { ...template.spec, activeDeadlineSeconds: 5 } } },
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported',
    ],
    [{ updateStrategy: { type: 'Never' } }, 'spec.updateStrategy: Unsupported value: {"type":"Never"}: supported values: "OnDelete"'],
    [rolling(undefined), `${at}: Required value`],
    [rolling({ maxUnavailable: 1, maxSurge: 1 }), `${at}.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero`],
    [rolling({ maxUnavailable: 0, maxSurge: '0%' }), `${at}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0`],
    [rolling({ maxUnavailable: 0, maxSurge: '101%' }), `${at}.maxSurge: Invalid value: "101%": must not be greater than 100%`],
  ]
  for (const [change, expected] of cases) assert.ok(lines(change)[0]?.startsWith(expected), `${expected}\n${lines(change).join('\n')}`)
})

test('the counts of a DaemonSet', () => {
  const none = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 }
  const lines = (change: object, previous: object = {}) =>
    [...daemonSetStatusProblems({ ...none, ...change }, { ...none, ...previous })].map((problem) => `${problem.path}: ${problem.message}`)
  assert.deepEqual(lines({ collisionCount: 2 }, { collisionCount: 1 }), [])
  assert.deepEqual(lines({ numberUnavailable: -1 }), ['status.numberUnavailable: Invalid value: -1: must be greater than or equal to 0'])
  assert.deepEqual(lines({}, { collisionCount: 1 }), ['status.collisionCount: Invalid value: 0: cannot be decremented'])
})

const statefulSpec = {
  ...{ serviceName: 'a', selector: { matchLabels: { app: 'a' } }, template, podManagementPolicy: 'Parallel' },
  ...{ updateStrategy: { type: 'OnDelete' }, persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' } },
}

function statefulSet(change: object): StatefulSet {
  const spec = structuredClone({ ...statefulSpec, ...change })
  const set = decodeObject('apps/v1', 'StatefulSet', { spec }, { fieldValidation: 'Strict' }) as StatefulSet
  defaultPodSpec(set.spec.template.spec)
  return set
}

test('StatefulSets', () => {
  const lines = (change: object) =>
    [...statefulSetProblems(statefulSet(change).spec)].map((problem) => `${problem.path}: ${problem.message}`)
  const rolling = (rollingUpdate: object) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } })
  const strategy = 'spec.updateStrategy'
  assert.deepEqual(lines({}), [])
  assert.deepEqual(lines({ serviceName: '' }), [])
  assert.deepEqual(lines({ updateStrategy: { type: 'RollingUpdate' } }), [])
  const mounting = { ...template, spec: { containers: [{ name: 'c', image: 'x', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] } }
  const claim = { accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem', resources: { requests: { storage: '1Gi' } } }
  const claiming = (spec: object) => ({ template: mounting, volumeClaimTemplates: [{ metadata: { name: 'data' }, spec }] })
  assert.deepEqual(lines(claiming(claim)), [])
  const cases: [object, string][] = [
    [{ template: mounting }, 'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'],
    [
      claiming({ ...claim, accessModes: [] }),
      'spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required',
    ],
    [{ podManagementPolicy: 'Any' }, "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'"],
    [
      { updateStrategy: { type: 'OnDelete', rollingUpdate: {} } },
      `${strategy}.rollingUpdate: Invalid value: {}: only allowed for updateStrategy 'RollingUpdate'`,
    ],
    [{ updateStrategy: { type: 'Any' } }, `${strategy}: Invalid value: {"type":"Any"}: must be 'RollingUpdate' or 'OnDelete'`],
    [rolling({ partition: -1 }), `${strategy}.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0`],
    [rolling({ maxUnavailable: 0 }), `${strategy}.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0`],
    [rolling({ maxUnavailable: '200%' }), `${strategy}.rollingUpdate.maxUnavailable: Invalid value: "200%": must not be greater than 100%`],
    [
      { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Sell' } },
      'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Sell": supported values: "Delete", "Retain"',
    ],
    [{ ordinals: { start: -1 } }, 'spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0'],
    [{ serviceName: 'A_b' }, 'spec.serviceName: Invalid value: "A_b": a lowercase RFC 1123 label must consist of'],
    [{ selector: {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for statefulset'],
    [
      { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
  ]
  for (const [change, expected] of cases) assert.ok(lines(change)[0]?.startsWith(expected), `${expected}\n${lines(change).join('\n')}`)
})

test('what of a StatefulSet may change', () => {
  const lines = (change: object) =>
    [...statefulSetUpdateProblems(statefulSet(change).spec, statefulSet({}).spec)].map((problem) => `${problem.path}: ${problem.message}`)
  const free = {
    replicas: 3,
    minReadySeconds: 5,
    revisionHistoryLimit: 1,
    ordinals: { start: 2 },
    updateStrategy: { type: 'RollingUpdate' },
  }
  assert.deepEqual(lines(free), [])
  assert.deepEqual(lines({ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' } }), [])
  const refusal =
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
  for (const change of [{ serviceName: 'b' }, { podManagementPolicy: 'OrderedReady' }, { selector: { matchLabels: { app: 'b' } } }]) {
    assert.deepEqual(lines(change), [refusal], JSON.stringify(change))
  }
})

test('the counts of a StatefulSet', () => {
  const lines = (change: object, previous: object = {}) =>
    [
      ...statefulSetStatusProblems(
        { replicas: 2, readyReplicas: 1, availableReplicas: 1, ...change },
        { replicas: 0, availableReplicas: 0, ...previous },
      ),
    ].map((problem) => `${problem.path}: ${problem.message}`)
  assert.deepEqual(lines({}), [])
  assert.deepEqual(lines({ replicas: -1, readyReplicas: 0, availableReplicas: 0 })[0]?.split(':')[0], 'status.replicas')
  assert.deepEqual(lines({ updatedReplicas: 3 }), ['status.updatedReplicas: Invalid value: 3: cannot be greater than status.replicas'])
  assert.deepEqual(lines({ availableReplicas: 2 }), [
    'status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas',
  ])
  assert.deepEqual(lines({}, { collisionCount: 1 }), ['status.collisionCount: Invalid value: 0: cannot be decremented'])
})
