import assert from 'node:assert/strict'
import test from 'node:test'
import { created, finds, indexed, lines, template } from '../../../test/harness/job-bodies.ts'
import { jobUpdateProblems } from './job-update.ts'

test('what of a Job may change', () => {
  const change = (before: object, next: object, status: object = {}) => lines(jobUpdateProblems(created(next), created(before, status)))
  const suspended = { suspend: true }
  const placed = (more: object, labels: object = {}) => ({ template: { metadata: { labels }, spec: { ...template.spec, ...more } } })
  const byResources = {
    template: { spec: { ...template.spec, containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '2' } } }] } },
  }
  const stopped = { startTime: '2026-01-01T00:00:00Z', conditions: [{ type: 'Suspended', status: 'True' }] }
  const good: [before: object, next: object, status?: object][] = [
    [{}, { completions: 1, parallelism: 9, suspend: true, backoffLimit: 9, activeDeadlineSeconds: 9, ttlSecondsAfterFinished: 9 }],
    [indexed, { ...indexed, completions: 9, parallelism: 9 }],
    [
      suspended,
      {
        ...suspended,
        ...placed(
          { nodeSelector: { a: 'b' }, tolerations: [{ key: 'k', operator: 'Exists' }], schedulingGates: [{ name: 'g' }] },
          { x: 'y' },
        ),
      },
    ],
    [suspended, { suspend: false, ...placed({ affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } }) }],
    [{ ...suspended, ...placed({ affinity: { nodeAffinity: {} } }) }, suspended],
    [suspended, { ...suspended, ...byResources }, stopped],
  ]
  for (const [before, next, status] of good) assert.deepEqual(change(before, next, status), [], JSON.stringify([before, next]))
  const bad: [before: object, next: object, problem: string, status?: object][] = [
    [{ completions: 2 }, { completions: 3 }, 'spec.completions: Invalid value: 3: field is immutable'],
    [indexed, { ...indexed, completions: 9 }, 'spec.completions: Invalid value: 9: can only be modified in tandem with spec.parallelism'],
    [{}, placed({ nodeSelector: { a: 'b' } }), 'spec.template: Invalid value: {'],
    [
      suspended,
      { ...suspended, ...placed({ nodeSelector: { a: 'b' } }) },
      'spec.template: Invalid value: {',
      { startTime: '2026-01-01T00:00:00Z' },
    ],
    [suspended, { ...suspended, ...byResources }, 'spec.template: Invalid value: {', { ...stopped, active: 1 }],
    [suspended, { ...suspended, ...placed({ hostNetwork: true }) }, 'spec.template: Invalid value: {'],
    [suspended, { ...suspended, ...placed({ affinity: { podAffinity: {} } }) }, 'spec.template: Invalid value: {'],
    [{}, { completionMode: 'Indexed' }, 'spec.completionMode: Invalid value: "Indexed": field is immutable'],
    [{}, { managedBy: 'a.io/b' }, 'spec.managedBy: Invalid value: "a.io/b": field is immutable'],
    [{}, { podFailurePolicy: { rules: [] } }, 'spec.podFailurePolicy: Invalid value: {"rules":[]}: field is immutable'],
    [indexed, { ...indexed, backoffLimitPerIndex: 1 }, 'spec.backoffLimitPerIndex: Invalid value: 1: field is immutable'],
  ]
  for (const [before, next, problem, status] of bad) finds(change(before, next, status), problem, [before, next])
})
