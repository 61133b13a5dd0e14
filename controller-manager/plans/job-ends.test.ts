import assert from 'node:assert/strict'
import test from 'node:test'
import { jobPod, START, startedJob } from '../../test/harness/job-pods.ts'
import { IndexSet } from '../jobs/index-set.ts'
import { untilIndexReplacement, untilReplacement } from './job-backoff.ts'
import { judgeFailure } from './job-failure-policy.ts'
import { satisfiedRule } from './job-success-policy.ts'
import { verdictOf } from './job-verdict.ts'
import { viewOf } from './job-view.ts'

const SECOND = 1_000
const at = (seconds: number) => START + seconds * SECOND
const failed = (name: string, end: number, more: object = {}) => jobPod(name, { phase: 'Failed', end, ...more })
const none: ReadonlySet<string> = new Set()

test('the pause doubles with each failure since the last success, from ten seconds to ten minutes', () => {
  const { spec } = startedJob({})
  const wait = (pods: Parameters<typeof untilReplacement>[1], now = 0) => untilReplacement(spec, pods, at(now)) / SECOND
  assert.equal(wait([]), 0)
  assert.equal(wait([jobPod('runs')]), 0)
  assert.equal(wait([failed('a', 0)]), 10)
  assert.equal(wait([failed('a', 0), failed('b', 5)], 5), 20)
  assert.equal(wait([failed('a', 0), failed('b', 5)], 20), 5)
  assert.equal(wait([failed('a', 0), failed('b', 5)], 25), 0)
  assert.equal(wait(Array.from({ length: 6 }, (_, index) => failed(`${index}`, 0))), 320)
  assert.equal(wait(Array.from({ length: 7 }, (_, index) => failed(`${index}`, 0))), 600)
  assert.equal(wait(Array.from({ length: 2_000 }, (_, index) => failed(`${index}`, 0))), 600)
  const success = jobPod('good', { phase: 'Succeeded', end: 7 })
  assert.equal(wait([failed('a', 0), success, failed('b', 8)], 8), 10, 'what failed before a success is forgotten')
  assert.equal(wait([failed('a', 7), success], 7), 0, 'in the same second, too')
  assert.equal(wait([jobPod('gone', { going: true })]), 10, 'what is deleted is as good as failed')
  assert.equal(untilReplacement(startedJob({ podReplacementPolicy: 'Failed' }).spec, [jobPod('gone', { going: true })], at(0)), 0)
})

test('an index waits by its own failures, the ignored ones included', () => {
  assert.equal(untilIndexReplacement(undefined, at(0)), 0)
  assert.equal(untilIndexReplacement(failed('a', 0, { index: 1 }), at(0)) / SECOND, 10)
  assert.equal(untilIndexReplacement(failed('a', 0, { index: 1, failures: 2 }), at(0)) / SECOND, 40)
  assert.equal(untilIndexReplacement(failed('a', 0, { index: 1, failures: 1, ignored: 1 }), at(30)) / SECOND, 10)
  assert.equal(untilIndexReplacement(failed('a', 0, { index: 1, failures: 2 }), at(60)), 0)
})

test('a policy on success asks for these indexes, for so many, or for so many of these', () => {
  const rule = (rules: object[], succeeded: number[]) => satisfiedRule({ rules }, 10, IndexSet.of(succeeded))
  assert.equal(rule([{ succeededIndexes: '0-2' }], [0, 2]), undefined)
  assert.equal(rule([{ succeededIndexes: '0-2' }], [0, 1, 2, 9]), 0)
  assert.equal(rule([{ succeededIndexes: '0-2', succeededCount: 2 }], [0, 2]), 0)
  assert.equal(rule([{ succeededIndexes: '0-2', succeededCount: 2 }], [0, 3, 4]), undefined)
  assert.equal(rule([{ succeededCount: 3 }], [1, 5]), undefined)
  assert.equal(rule([{ succeededCount: 2 }], [1, 5]), 0)
  assert.equal(rule([{ succeededIndexes: '9' }, { succeededCount: 2 }], [1, 5]), 1, 'the first that holds')
  assert.equal(rule([{ succeededCount: 0 }], []), undefined, 'nothing has succeeded')
  assert.equal(rule([{ succeededIndexes: '' }], [1]), undefined, 'a rule about no index never holds')
})

test('the first rule about a failure that matches decides', () => {
  const on = (action: string, operator: string, values: number[], more: object = {}) => ({
    action,
    onExitCodes: { operator, values, ...more },
  })
  const judge = (rules: object[], pod = failed('p', 0, { exitCode: 3 })) => judgeFailure({ rules: rules as never }, pod).action
  assert.equal(judge([]), undefined)
  assert.equal(judgeFailure(undefined, failed('p', 0)).action, undefined)
  assert.equal(judge([on('FailJob', 'In', [1, 3])]), 'FailJob')
  assert.equal(judge([on('FailJob', 'In', [1]), on('Ignore', 'NotIn', [1])]), 'Ignore')
  assert.equal(judge([on('Count', 'NotIn', [3])]), undefined)
  assert.equal(judge([on('FailJob', 'In', [3], { containerName: 'other' })]), undefined)
  assert.equal(
    judge([on('FailJob', 'NotIn', [1])], failed('p', 0, { exitCode: 0 })),
    undefined,
    'a container that ended well matches nothing',
  )
  assert.equal(judge([on('FailJob', 'In', [3])], jobPod('p')), undefined, 'one that runs has no code')
  const disrupted = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }
  assert.equal(judge([disrupted], failed('p', 0, { conditions: ['DisruptionTarget'] })), 'Ignore')
  assert.equal(
    judge(
      [{ ...disrupted, onPodConditions: [{ type: 'DisruptionTarget', status: 'False' }] }],
      failed('p', 0, { conditions: ['DisruptionTarget'] }),
    ),
    undefined,
  )
  const { message } = judgeFailure(
    { rules: [{ action: 'FailJob', onPodConditions: [{ type: 'ConfigIssue', status: 'True' }] }] },
    failed('p', 0, { conditions: ['ConfigIssue'] }),
  )
  assert.equal(message, 'Pod default/p has condition ConfigIssue matching FailJob rule at index 0')
})

test('why a job ends, and what comes first', () => {
  const reason = (spec: object, pods: Parameters<typeof viewOf>[1], now = 0, status: object = {}) =>
    verdictOf(viewOf(startedJob(spec, status), pods, none), at(now))?.reason
  const twice = [failed('a', 0), failed('b', 0)]
  assert.equal(reason({ backoffLimit: 2 }, twice), undefined)
  assert.equal(reason({ backoffLimit: 1 }, twice), 'BackoffLimitExceeded')
  assert.equal(reason({ backoffLimit: 1 }, [failed('a', 0)], 0, { failed: 1 }), 'BackoffLimitExceeded')
  assert.equal(reason({ backoffLimit: 1 }, [failed('a', 0, { tracked: false })], 0, { failed: 1 }), undefined, 'it is counted already')
  assert.equal(reason({ backoffLimit: 0, activeDeadlineSeconds: 5 }, [failed('a', 0)], 9), 'BackoffLimitExceeded')
  assert.equal(reason({ activeDeadlineSeconds: 5 }, [], 4.9), undefined)
  assert.equal(reason({ activeDeadlineSeconds: 5 }, [], 5), 'DeadlineExceeded')
  assert.equal(reason({ activeDeadlineSeconds: 5, suspend: true }, [], 9), undefined)
  const onFailure = { template: { spec: { restartPolicy: 'OnFailure', containers: [{ name: 'c', image: 'x' }] } } }
  assert.equal(reason({ ...onFailure, backoffLimit: 3 }, [jobPod('a', { restarts: 1 }), jobPod('b', { restarts: 1 })]), undefined)
  assert.equal(
    reason({ ...onFailure, backoffLimit: 3 }, [jobPod('a', { restarts: 2 }), jobPod('b', { restarts: 1 })]),
    'BackoffLimitExceeded',
  )
  assert.equal(reason({ ...onFailure, backoffLimit: 0 }, [jobPod('a', { restarts: 1 })]), 'BackoffLimitExceeded')
  const indexed = { completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimitPerIndex: 1 }
  const lost = (index: number) => failed(`l${index}`, 0, { index, failures: 1 })
  assert.equal(reason(indexed, [failed('a', 0, { index: 0 })]), undefined, 'the index may try again')
  assert.equal(reason(indexed, [lost(0), lost(1)]), undefined)
  assert.equal(reason(indexed, [lost(0), lost(1), jobPod('s', { phase: 'Succeeded', index: 2 })]), 'FailedIndexes')
  assert.equal(reason({ ...indexed, maxFailedIndexes: 1 }, [lost(0), lost(1)]), 'MaxFailedIndexesExceeded')
  assert.equal(reason({ ...indexed, maxFailedIndexes: 1 }, [lost(0)], 0, { failedIndexes: '2' }), 'MaxFailedIndexesExceeded')
  const known = { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'Known', message: 'before' }] }
  assert.equal(reason({ backoffLimit: 0 }, twice, 0, known), 'Known', 'what was said stays')
})
