import assert from 'node:assert/strict'
import test from 'node:test'
import { created, finds, indexed, job, lines, policy, template } from '../../../test/harness/job-bodies.ts'
import { defaultJob } from './job-defaults.ts'
import { generateSelector } from './job-labels.ts'
import { jobProblems } from './job-spec.ts'

test('defaults depend on what is asked for, and zero is no absence', () => {
  const defaultsOf = (spec: object) => {
    const { completions, parallelism, backoffLimit, podReplacementPolicy } = created(spec).spec
    return [completions, parallelism, backoffLimit, podReplacementPolicy]
  }
  assert.deepEqual(defaultsOf({}), [1, 1, 6, 'TerminatingOrFailed'])
  assert.deepEqual(defaultsOf({ parallelism: 0 }), [undefined, 0, 6, 'TerminatingOrFailed'])
  assert.deepEqual(defaultsOf({ completions: 3 }), [3, 1, 6, 'TerminatingOrFailed'])
  assert.deepEqual(defaultsOf({ ...indexed, backoffLimitPerIndex: 0 }), [5, 2, 2147483647, 'TerminatingOrFailed'])
  assert.deepEqual(defaultsOf({ backoffLimit: 0, podFailurePolicy: { rules: [] } }), [1, 1, 0, 'Failed'])
  const { spec } = created(policy({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }))
  assert.equal(spec.podFailurePolicy?.rules[0]?.onPodConditions?.[0]?.status, 'True')
  assert.deepEqual([spec.completionMode, spec.suspend, spec.manualSelector], ['NonIndexed', false, false])
})

test('selector and labels are generated, unless they are chosen by hand; wrong ones are refused', () => {
  const { spec } = created({})
  assert.deepEqual(spec.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u-1' } })
  assert.deepEqual(spec.template.metadata.labels, {
    ...{ 'batch.kubernetes.io/controller-uid': 'u-1', 'batch.kubernetes.io/job-name': 'count' },
    ...{ 'controller-uid': 'u-1', 'job-name': 'count' },
  })
  const byHand = created({
    manualSelector: true,
    selector: { matchLabels: { app: 'a' } },
    template: { ...template, metadata: { labels: { app: 'a' } } },
  })
  assert.deepEqual(byHand.spec.template.metadata.labels, { app: 'a' })
  assert.deepEqual(lines(jobProblems(byHand)), [])
  assert.deepEqual(lines(jobProblems(created({ manualSelector: true }))), ['spec.selector: Required value'])
  finds(
    lines(jobProblems(created({ template: { ...template, metadata: { labels: { 'job-name': 'other' } } } }))),
    'spec.template.metadata.labels[job-name]: Invalid value: {',
    'another name',
  )
  const elsewhere = lines(jobProblems(created({ selector: { matchLabels: { app: 'a' } } })))
  finds(
    elsewhere,
    'spec.selector: Invalid value: {"matchLabels":{"app":"a","batch.kubernetes.io/controller-uid":"u-1"}}: `selector` not auto-generated',
    '',
  )
  finds(elsewhere, 'spec.template.metadata.labels: Invalid value: ', '')
})

test('what a Job may ask for', () => {
  const good: object[] = [
    {},
    indexed,
    {
      ...indexed,
      backoffLimitPerIndex: 1,
      maxFailedIndexes: 5,
      successPolicy: { rules: [{ succeededIndexes: '0,2-4', succeededCount: 3 }] },
    },
    { managedBy: 'kueue.x-k8s.io/multikueue' },
    policy({ action: 'FailJob', onExitCodes: { containerName: 'i', operator: 'In', values: [1, 3, 42] } }),
    policy({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }),
  ]
  for (const spec of good) assert.deepEqual(lines(jobProblems(created(spec))), [], JSON.stringify(spec))
  const restart = (restartPolicy: string | undefined) => ({ template: { spec: { ...template.spec, restartPolicy } } })
  const exits = (change: object) => policy({ action: 'Count', onExitCodes: { operator: 'In', values: [1], ...change } })
  const at = 'spec.podFailurePolicy.rules[0]'
  const bad: [spec: object, problem: string][] = [
    [{ parallelism: -1 }, 'spec.parallelism: Invalid value: -1: must be greater than or equal to 0'],
    [{ completions: -1 }, 'spec.completions: Invalid value: -1: must be'],
    [{ activeDeadlineSeconds: -1 }, 'spec.activeDeadlineSeconds: Invalid value: -1: must be'],
    [{ ttlSecondsAfterFinished: -1 }, 'spec.ttlSecondsAfterFinished: Invalid value: -1: must be'],
    [restart(undefined), 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    [restart('Always'), 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    [restart('Sometimes'), 'spec.template.spec.restartPolicy: Unsupported value: "Sometimes": supported values: "OnFailure", "Never"'],
    [
      { ...restart('OnFailure'), ...exits({}) },
      'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
    ],
    [{ completionMode: 'Odd' }, 'spec.completionMode: Unsupported value: "Odd": supported values: "NonIndexed", "Indexed"'],
    [{ completionMode: 'Indexed', parallelism: 1 }, 'spec.completions: Required value: when completion mode is Indexed'],
    [{ backoffLimitPerIndex: 1 }, 'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode'],
    [{ ...indexed, maxFailedIndexes: 1 }, 'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified'],
    [
      { ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 6 },
      'spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions',
    ],
    [
      { ...indexed, parallelism: 100_001 },
      'spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed',
    ],
    [
      { ...indexed, completions: 100_001, backoffLimitPerIndex: 1 },
      'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
    ],
    [{ managedBy: 'kueue' }, 'spec.managedBy: Invalid value: "kueue": must be a domain-prefixed path (such as "acme.io/foo")'],
    [{ managedBy: `a.io/${'x'.repeat(60)}` }, 'spec.managedBy: Too long: may not be more than 63 bytes'],
    [
      { podReplacementPolicy: 'Never' },
      'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"',
    ],
    [
      { ...exits({}), podReplacementPolicy: 'TerminatingOrFailed' },
      'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
    ],
    [
      policy({ action: '', onPodConditions: [{ type: 'a' }] }),
      `${at}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`,
    ],
    [
      policy({ action: 'FailIndex', onPodConditions: [{ type: 'a' }] }),
      `${at}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set`,
    ],
    [policy({ action: 'Count' }), `${at}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`],
    [
      policy({ action: 'Count', onExitCodes: { operator: 'In', values: [1] }, onPodConditions: [{ type: 'a' }] }),
      `${at}: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported`,
    ],
    [
      policy({ action: 'Count', onPodConditions: [{ type: 'a', status: 'Yes' }] }),
      `${at}.onPodConditions[0].status: Unsupported value: "Yes"`,
    ],
    [exits({ values: [0] }), `${at}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator`],
    [exits({ values: [2, 1] }), `${at}.onExitCodes.values: Invalid value: [2,1]: must be ordered`],
    [exits({ values: [1, 1] }), `${at}.onExitCodes.values[1]: Duplicate value: 1`],
    [exits({ values: [] }), `${at}.onExitCodes.values: Invalid value: []: at least one value is required`],
    [
      exits({ containerName: 'z' }),
      `${at}.onExitCodes.containerName: Invalid value: "z": must be one of the container or initContainer names`,
    ],
    [
      { successPolicy: { rules: [{ succeededCount: 1 }] } },
      'spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode',
    ],
    [
      { ...indexed, successPolicy: { rules: [] } },
      'spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified',
    ],
    [
      { ...indexed, successPolicy: { rules: [{}] } },
      'spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified',
    ],
    [
      { ...indexed, successPolicy: { rules: [{ succeededCount: 6 }] } },
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)',
    ],
    [
      { ...indexed, successPolicy: { rules: [{ succeededIndexes: '0,1', succeededCount: 3 }] } },
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
    ],
    [
      { ...indexed, successPolicy: { rules: [{ succeededIndexes: '0-5' }] } },
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-5": error parsing succeededIndexes: too large index: "5"',
    ],
    [
      { ...indexed, successPolicy: { rules: [{ succeededIndexes: '3,1' }] } },
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "3,1": error parsing succeededIndexes: non-increasing order, previous: 3, current: 1',
    ],
    [
      { ...indexed, successPolicy: { rules: [{ succeededIndexes: '1-2-3' }] } },
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "1-2-3": error parsing succeededIndexes: the fragment "1-2-3" violates',
    ],
  ]
  for (const [spec, problem] of bad) finds(lines(jobProblems(created(spec))), problem, spec)
})

test('an indexed job has a name whose host names are valid', () => {
  const made = job({ ...indexed, completions: 100 })
  made.metadata.name = 'x'.repeat(61)
  defaultJob(made)
  generateSelector(made)
  finds(
    lines(jobProblems(made)),
    `metadata.name: Invalid value: "${'x'.repeat(61)}": will not able to create pod with invalid DNS label: ${'x'.repeat(61)}-99`,
    '',
  )
})
