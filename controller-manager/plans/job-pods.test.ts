import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { jobPod, START, startedJob } from '../../test/harness/job-pods.ts'
import { account } from './job-accounting.ts'
import { planJobPods } from './job-pods.ts'
import { COMPLETIONS_REACHED } from './job-verdict.ts'
import { viewOf } from './job-view.ts'

const none: ReadonlySet<string> = new Set()
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name)
const indexed = { completionMode: 'Indexed', completions: 5, parallelism: 3 }

test('as many pods as may run at once, and never more than are still wanted', () => {
  const plan = (spec: object, pods: Pod[], status: object = {}) => {
    const { create, remove, waitMilliseconds } = planJobPods(viewOf(startedJob(spec, status), pods, none), START)
    return { create: create.length, remove: names(remove), ...(waitMilliseconds === undefined ? {} : { waitMilliseconds }) }
  }
  const done = (name: string) => jobPod(name, { phase: 'Succeeded' })
  assert.deepEqual(plan({ completions: 5, parallelism: 2 }, []), { create: 2, remove: [] })
  assert.deepEqual(plan({ completions: 5, parallelism: 2 }, [jobPod('a')]), { create: 1, remove: [] })
  assert.deepEqual(plan({ completions: 2, parallelism: 2 }, [done('a'), jobPod('b')]), { create: 0, remove: [] })
  assert.deepEqual(plan({ completions: 5, parallelism: 9 }, [], { succeeded: 3 }), { create: 2, remove: [] })
  assert.deepEqual(plan({ completions: 5, parallelism: 9 }, [], { uncountedTerminatedPods: { succeeded: ['x', 'y'] }, succeeded: 1 }), {
    create: 2,
    remove: [],
  })
  assert.deepEqual(plan({ completions: 0 }, [jobPod('a')]), { create: 0, remove: ['a'] })
  assert.deepEqual(plan({ parallelism: 3 }, []), { create: 3, remove: [] })
  assert.deepEqual(plan({ parallelism: 3 }, [done('a'), jobPod('b')]), { create: 0, remove: [] }, 'a queue that was found empty')
  assert.deepEqual(plan({ parallelism: 0, completions: 3 }, [jobPod('a')]), { create: 0, remove: ['a'] })
  assert.deepEqual(plan({ parallelism: 2, completions: 9, suspend: true }, [jobPod('a'), jobPod('b')]).remove.toSorted(), ['a', 'b'])
  assert.deepEqual(plan({ completions: 2, parallelism: 1 }, [jobPod('a', { phase: 'Pending' }), jobPod('b')]), { create: 0, remove: ['a'] })
  assert.deepEqual(plan({}, [jobPod('a', { phase: 'Failed', end: 0 })]), { create: 0, remove: [], waitMilliseconds: 10_000 })
  assert.deepEqual(
    plan({ completions: 3, parallelism: 3 }, [jobPod('a', { tracked: false }), jobPod('b')]),
    { create: 0, remove: ['a'] },
    'it cannot count any more',
  )
  assert.deepEqual(plan({ completions: 2, parallelism: 2, podReplacementPolicy: 'Failed' }, [jobPod('a', { going: true }), jobPod('b')]), {
    create: 0,
    remove: [],
  })
  assert.equal(plan({ completions: 2_000, parallelism: 2_000 }, []).create, 500, 'not all of very many at once')
})

test('an index has one pod; the one that is missed least gives way', () => {
  const plan = (spec: object, pods: Pod[], status: object = {}) => {
    const { create, remove, waitMilliseconds } = planJobPods(viewOf(startedJob({ ...indexed, ...spec }, status), pods, none), START)
    return [create, names(remove), waitMilliseconds]
  }
  assert.deepEqual(plan({}, []), [[0, 1, 2], [], undefined])
  assert.deepEqual(plan({}, [jobPod('b', { index: 1 })], { completedIndexes: '0,3', succeeded: 2 }), [[2, 4], [], undefined])
  assert.deepEqual(plan({}, [jobPod('b', { index: 1 }), jobPod('c', { index: 1, phase: 'Pending' })]), [[], ['c'], undefined])
  assert.deepEqual(plan({}, [jobPod('x'), jobPod('y', { index: 5 }), jobPod('z', { index: '-1' })])[1], ['z', 'y', 'x'])
  assert.deepEqual(
    plan(
      { completions: 2, parallelism: 2 },
      [0, 1, 2].map((index) => jobPod(`p${index}`, { index })),
      { completedIndexes: '0' },
    ),
    [[], ['p2', 'p0'], undefined],
  )
  const perIndex = { backoffLimitPerIndex: 2 }
  const lost = jobPod('lost', { index: 0, phase: 'Failed', failures: 2 })
  const again = jobPod('again', { index: 1, phase: 'Failed', failures: 1, end: 0 })
  assert.deepEqual(plan(perIndex, [lost, again]), [[2, 3], [], 20_000], 'one is given up, one waits, the others go')
  assert.deepEqual(plan(perIndex, [again], { failedIndexes: '0' }), [[2, 3], [], 20_000])
  assert.deepEqual(plan({ podReplacementPolicy: 'Failed' }, [jobPod('a', { index: 0, going: true })]), [[1, 2], [], undefined])
})

test('an end is written down before the pod goes, and counted after', () => {
  const accounts = (spec: object, pods: Pod[], status: object = {}, released = none) => {
    const { status: next, release, isPartial } = account(viewOf(startedJob(spec, status), pods, released), undefined)
    return { ...next, release: names(release), isPartial }
  }
  const good = jobPod('good', { phase: 'Succeeded' })
  const bad = jobPod('bad', { phase: 'Failed' })
  const nothing = { succeeded: undefined, failed: undefined, failedIndexes: undefined, isPartial: false }
  assert.deepEqual(accounts({}, [good, bad, jobPod('runs')]), {
    ...{ ...nothing, release: ['good', 'bad'], uncountedTerminatedPods: { succeeded: ['good'], failed: ['bad'] } },
  })
  const written = { uncountedTerminatedPods: { succeeded: ['good'], failed: ['bad'] } }
  assert.deepEqual(
    accounts({}, [good, bad], written),
    { ...nothing, ...written, release: ['good', 'bad'] },
    'died before the pods were let go',
  )
  const counted = { ...nothing, succeeded: 1, failed: 1, uncountedTerminatedPods: {}, release: [] }
  assert.deepEqual(
    accounts({}, [jobPod('good', { phase: 'Succeeded', tracked: false })], written),
    counted,
    'died before they were counted; one is gone',
  )
  assert.deepEqual(
    accounts({}, [good, bad], { succeeded: 1, failed: 1 }, new Set(['good', 'bad'])),
    counted,
    'the cache does not show yet that they were let go',
  )
  assert.deepEqual(accounts({}, [jobPod('going', { going: true })]).uncountedTerminatedPods, { failed: ['going'] })
  assert.deepEqual(accounts({ podReplacementPolicy: 'Failed' }, [jobPod('going', { going: true })]).release, [])
  const late = jobPod('late', { phase: 'Succeeded' })
  assert.deepEqual(
    accounts({}, [late], { uncountedTerminatedPods: { failed: ['late'] } }).uncountedTerminatedPods,
    { failed: ['late'] },
    'not both',
  )
  const many = Array.from({ length: 600 }, (_, index) => jobPod(`${index}`, { phase: 'Succeeded' }))
  const first = accounts({ completions: 600 }, many)
  assert.deepEqual([first.uncountedTerminatedPods?.succeeded?.length, first.release.length, first.isPartial], [500, 500, true])
})

test('indexes are counted by themselves, each once; a failure waits for its successor', () => {
  const accounts = (spec: object, pods: Pod[], status: object = {}) => {
    const { status: next, release } = account(viewOf(startedJob({ ...indexed, ...spec }, status), pods, none), undefined)
    return [next.completedIndexes, next.succeeded, next.failedIndexes, next.uncountedTerminatedPods, names(release)]
  }
  const good = (name: string, index: number | undefined) => jobPod(name, { phase: 'Succeeded', ...(index === undefined ? {} : { index }) })
  assert.deepEqual(accounts({}, [good('b', 2), good('a', 0), good('c', 2)]), ['0,2', 2, undefined, {}, ['a', 'b', 'c']])
  assert.deepEqual(accounts({}, [good('a', 0)], { completedIndexes: '0', succeeded: 1 }), ['0', 1, undefined, {}, ['a']])
  assert.deepEqual(
    accounts({}, [good('a', 7), good('b', undefined)]),
    [undefined, undefined, undefined, {}, ['a', 'b']],
    'no place, no count',
  )
  const bad = jobPod('bad', { phase: 'Failed', index: 1 })
  assert.deepEqual(accounts({ backoffLimitPerIndex: 1 }, [bad]), [undefined, undefined, '', {}, []])
  assert.deepEqual(accounts({ backoffLimitPerIndex: 1 }, [bad, jobPod('next', { index: 1, failures: 1 })]), [
    undefined,
    undefined,
    '',
    { failed: ['bad'] },
    ['bad'],
  ])
  assert.deepEqual(accounts({ backoffLimitPerIndex: 0 }, [bad]), [undefined, undefined, '1', { failed: ['bad'] }, ['bad']])
})

test('at the end of a job everything that is left is let go: as failed where the job fails, uncounted where it has done enough', () => {
  const pods = [jobPod('going', { going: true, index: 0 }), jobPod('runs', { index: 1 })]
  const view = viewOf(startedJob({ ...indexed, podReplacementPolicy: 'Failed' }), pods, none)
  const failing = account(view, { type: 'FailureTarget', reason: 'DeadlineExceeded', message: '' })
  assert.deepEqual([names(failing.release), failing.status.uncountedTerminatedPods], [['going', 'runs'], { failed: ['going', 'runs'] }])
  const enough = account(view, { ...COMPLETIONS_REACHED, reason: 'SuccessPolicy' })
  assert.deepEqual([names(enough.release), enough.status.uncountedTerminatedPods], [['going', 'runs'], {}])
})
