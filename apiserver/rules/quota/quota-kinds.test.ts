import assert from 'node:assert/strict'
import test from 'node:test'
import type { LimitRangeItem, ResourceQuotaSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { defaultLimitRangeItem, limitRangeProblems } from './limit-range.ts'
import { usageCell } from './quota-columns.ts'
import { resourceQuotaProblems, resourceQuotaUpdateProblems } from './resource-quota.ts'

const lines = (problems: Iterable<{ path: string; message: string }>) => [...problems].map(({ path, message }) => `${path}: ${message}`)

const quotas: readonly [ResourceQuotaSpec, readonly string[]][] = [
  [{ hard: { cpu: '1', 'requests.nvidia.com/gpu': '2', 'count/deployments.apps': '3', 'hugepages-2Mi': '1Gi', pods: '1k' } }, []],
  [{ hard: { 'gold.storageclass.storage.k8s.io/requests.storage': '1Gi' } }, []],
  [{ hard: { pods: '-1' } }, ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0']],
  [{ hard: { pods: '1500m' } }, ['spec.hard[pods]: Invalid value: "1500m": must be an integer']],
  [{ hard: { storage: '1' } }, ['spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota']],
  [{ hard: { pods: '1' }, scopes: ['Weekdays'] }, ['spec.scopes: Invalid value: ["Weekdays"]: unsupported scope']],
  [{ hard: { cpu: '1' }, scopes: ['BestEffort'] }, ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource']],
  [
    { hard: { pods: '1' }, scopes: ['Terminating', 'NotTerminating'] },
    ['spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes'],
  ],
  [
    { hard: { pods: '1' }, scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] } },
    [
      "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
    ],
  ],
  [
    {
      hard: { 'requests.storage': '1' },
      scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'Exists' }] },
    },
    [],
  ],
]

test('a quota limits known resources, in scopes that fit them', () => {
  for (const [spec, expected] of quotas) assert.deepEqual(lines(resourceQuotaProblems(spec)), expected, JSON.stringify(spec))
})

test('a quota keeps its scopes; their order does not matter', () => {
  const quota = (scopes: string[]) => ({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: {}, spec: { scopes }, status: {} }) as const
  assert.deepEqual(lines(resourceQuotaUpdateProblems(quota(['BestEffort', 'Terminating']), quota(['Terminating', 'BestEffort']))), [])
  assert.deepEqual(lines(resourceQuotaUpdateProblems(quota(['BestEffort']), quota([]))), [
    'spec.scopes: Invalid value: ["BestEffort"]: field is immutable',
  ])
})

test('the columns of a quota tell requests and limits apart', () => {
  const hard = { pods: '3', 'limits.cpu': '2', cpu: '1' }
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: {}, spec: { hard }, status: { hard, used: { pods: '1' } } } as const
  assert.equal(usageCell(quota, 'request'), 'cpu: 0/1, pods: 1/3')
  assert.equal(usageCell(quota, 'limit'), 'limits.cpu: 0/2')
})

const ranges: readonly [LimitRangeItem, readonly string[]][] = [
  [{ type: 'Container', max: { cpu: '1', 'example.com/a': '1' }, min: { 'example.com/a': '1' }, defaultRequest: { cpu: '1' } }, []],
  // Every object has properties of such names that it did not get from anybody.
  [
    { type: 'Container', max: { toString: '1' }, min: { constructor: '1' } } as unknown as LimitRangeItem,
    ['max[toString]', 'min[constructor]'].flatMap((at) => {
      const name = at.slice(4, -1)
      return ['must be a standard resource type or fully qualified', 'must be a standard resource for containers'].map(
        (why) => `spec.limits[0].${at}: Invalid value: "${name}": ${why}`,
      )
    }),
  ],
  [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } }, []],
  [
    { type: 'Container', max: { cpu: '1' }, min: { cpu: '2' } },
    ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'],
  ],
  [
    { type: 'Container', max: { cpu: '4' }, min: { cpu: '2' }, maxLimitRequestRatio: { cpu: '3' } },
    ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000'],
  ],
  [{ type: 'Pod', default: { cpu: '1' } }, ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]],
  [
    { type: 'PersistentVolumeClaim' },
    ['spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided'],
  ],
  [{ type: 'Planet' }, ['spec.limits[0].type: Invalid value: "Planet": must be a standard limit type or fully qualified']],
  [
    { type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '2' } },
    ['spec.limits[0].defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than default limit value 1'],
  ],
  [
    { type: 'Container', max: { storage: '1' } },
    ['spec.limits[0].max[storage]: Invalid value: "storage": must be a standard resource for containers'],
  ],
]

test('limits leave room between their bounds', () => {
  for (const [item, expected] of ranges) assert.deepEqual(lines(limitRangeProblems({ limits: [item] })), expected, JSON.stringify(item))
  const twice = { limits: [{ type: 'Pod' }, { type: 'Pod' }] }
  assert.deepEqual(lines(limitRangeProblems(twice)), ['spec.limits[1].type: Duplicate value: "Pod"'])
})

test('what limits of containers do not say follows from what they say', () => {
  const item: LimitRangeItem = {
    type: 'Container',
    max: { cpu: '2', memory: '1Gi' },
    min: { cpu: '1', 'ephemeral-storage': '1Mi' },
    default: { cpu: '1500m' },
  }
  defaultLimitRangeItem(item)
  assert.deepEqual(item.default, { cpu: '1500m', memory: '1Gi' })
  assert.deepEqual(item.defaultRequest, { cpu: '1500m', 'ephemeral-storage': '1Mi', memory: '1Gi' })
})
