import assert from 'node:assert/strict'
import test from 'node:test'
import type { JobCondition } from '../../../shared/openapi/generated/batch-v1.ts'
import { created, finds, indexed, lines } from '../../../test/harness/job-bodies.ts'
import { completionsCell, durationCell, jobStatusCell } from './job-cells.ts'
import { jobStatusProblems } from './job-status.ts'

const isTrue = (...types: string[]): JobCondition[] => types.map((type) => ({ type, status: 'True' }))
const start = { startTime: '2026-01-01T00:00:00Z' }
const end = { completionTime: '2026-01-01T00:01:00Z' }

test("what a Job's status may say", () => {
  const change = (spec: object, before: object, next: object) => lines(jobStatusProblems(created(spec, next), created(spec, before)))
  const complete = { ...start, ...end, conditions: isTrue('SuccessCriteriaMet', 'Complete') }
  const failed = { ...start, conditions: isTrue('FailureTarget', 'Failed') }
  const good: [spec: object, before: object, next: object][] = [
    [{}, start, complete],
    [{}, start, failed],
    [{}, {}, { ...start, active: 2, ready: 1, uncountedTerminatedPods: { succeeded: ['a'], failed: ['b'] } }],
    [{ suspend: true }, start, {}],
    [{}, { ...start, conditions: isTrue('Suspended') }, { startTime: '2026-02-01T00:00:00Z' }],
    [indexed, { ...start }, { ...start, completedIndexes: '0-2,4', succeeded: 4 }],
    [
      { ...indexed, completions: 2 },
      { completedIndexes: '0-4', succeeded: 5 },
      { completedIndexes: '0,1', succeeded: 2 },
    ],
  ]
  for (const [spec, before, next] of good) assert.deepEqual(change(spec, before, next), [], JSON.stringify(next))
  const perIndex = { ...indexed, backoffLimitPerIndex: 1 }
  const bad: [spec: object, before: object, next: object, problem: string][] = [
    [{}, {}, { active: -1 }, 'status.active: Invalid value: -1: must be greater than or equal to 0'],
    [
      {},
      {},
      { uncountedTerminatedPods: { succeeded: ['a'], failed: ['a'] } },
      'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
    ],
    [{}, {}, { active: 1, ready: 2 }, 'status.ready: Invalid value: 2: cannot set more ready pods than active'],
    [
      {},
      start,
      { ...complete, conditions: isTrue('Complete') },
      'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
    ],
    [
      {},
      start,
      { ...start, conditions: isTrue('Failed') },
      'status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition',
    ],
    [
      {},
      start,
      { ...start, conditions: isTrue('FailureTarget', 'SuccessCriteriaMet') },
      'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions',
    ],
    [{}, complete, start, 'status.conditions: Invalid value: cannot disable the terminal Complete=True condition'],
    [{}, start, { ...complete, active: 1 }, 'status.active: Invalid value: 1: active>0 is invalid for finished job'],
    [{}, start, { ...complete, terminating: 1 }, 'status.terminating: Invalid value: 1: terminating>0 is invalid for finished job'],
    [{}, {}, { ...failed, startTime: undefined }, 'status.startTime: Required value: startTime is required for finished job'],
    [
      {},
      start,
      { ...complete, uncountedTerminatedPods: { failed: ['a'] } },
      'status.uncountedTerminatedPods: Invalid value: {"failed":["a"]}: must be empty for finished job',
    ],
    [
      {},
      start,
      { ...complete, completionTime: undefined },
      'status.completionTime: Required value: completionTime is required for Complete jobs',
    ],
    [
      {},
      start,
      { ...start, ...end },
      'status.completionTime: Invalid value: "2026-01-01T00:01:00Z": cannot set completionTime when there is no Complete=True condition',
    ],
    [
      {},
      start,
      { ...complete, completionTime: '2025-01-01T00:00:00Z' },
      'status.completionTime: Invalid value: "2025-01-01T00:00:00Z": must be equal to or after `startTime`',
    ],
    [
      {},
      complete,
      { ...complete, completionTime: '2027-01-01T00:00:00Z' },
      'status.completionTime: Invalid value: "2027-01-01T00:00:00Z": field is immutable',
    ],
    [{}, start, {}, 'status.startTime: Required value: startTime cannot be removed for unsuspended job'],
    [
      {},
      {},
      { completedIndexes: '0' },
      'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
    ],
    [
      indexed,
      {},
      { completedIndexes: '7' },
      'status.completedIndexes: Invalid value: "7": error parsing completedIndexes: too large index: "7"',
    ],
    [
      indexed,
      {},
      { failedIndexes: '' },
      'status.failedIndexes: Invalid value: "": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
    ],
    [
      perIndex,
      {},
      { completedIndexes: '0-2', failedIndexes: '2,3' },
      'status.failedIndexes: Invalid value: "2,3": failedIndexes and completedIndexes overlap at index: 2',
    ],
    [{}, { failed: 2 }, { failed: 1 }, 'status.failed: Invalid value: 1: cannot decrease the failed counter'],
    [{}, { succeeded: 2 }, { succeeded: 1 }, 'status.succeeded: Invalid value: 1: cannot decrease the succeeded counter'],
  ]
  for (const [spec, before, next, problem] of bad) finds(change(spec, before, next), problem, next)
})

test('what is printed of a Job', () => {
  const cells = (spec: object, status: object, deleted?: string) => {
    const made = created(spec, status)
    made.metadata.deletionTimestamp = deleted
    return [jobStatusCell(made), completionsCell(made), durationCell(made, Date.parse('2026-01-01T00:00:30Z'))]
  }
  assert.deepEqual(cells({}, {}), ['Running', '0/1', ''])
  assert.deepEqual(cells({ completions: 5 }, { ...start, succeeded: 2 }), ['Running', '2/5', '30s'])
  assert.deepEqual(cells({ parallelism: 3 }, { ...start, ...end, succeeded: 1, conditions: isTrue('SuccessCriteriaMet', 'Complete') }), [
    'Complete',
    '1/1 of 3',
    '60s',
  ])
  assert.deepEqual(cells({ parallelism: 1 }, { conditions: isTrue('Suspended') }), ['Suspended', '0/1', ''])
  assert.equal(cells({}, { conditions: isTrue('FailureTarget', 'Failed') })[0], 'Failed')
  assert.equal(cells({}, { conditions: isTrue('FailureTarget') })[0], 'FailureTarget')
  assert.equal(cells({}, {}, '2026-01-01T00:00:00Z')[0], 'Terminating')
})
