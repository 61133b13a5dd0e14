import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allowsSame, compareLevels, type Policy, policyOf, privilegedPolicy, shownLevel } from './policy.ts'

const label = (labels: Record<string, string>) =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [`pod-security.kubernetes.io/${name}`, value]))
const shown = ({ enforce, audit, warn }: Policy) => [enforce, audit, warn].map(shownLevel).join(' ')
const read = (labels: Record<string, string>, defaults = privilegedPolicy) => shown(policyOf(label(labels), defaults).policy)

test('labels say the policy; what they do not say is the default', () => {
  assert.equal(shown(policyOf(undefined, privilegedPolicy).policy), 'privileged:latest privileged:latest privileged:latest')
  assert.equal(read({ audit: 'baseline', 'audit-version': 'v1.0' }), 'privileged:latest baseline:v1.0 privileged:latest')
  const defaults: Policy = {
    ...privilegedPolicy,
    enforce: { level: 'baseline', version: 'v1.30' },
    audit: { level: 'restricted', version: 'v1.31' },
  }
  assert.equal(read({}, defaults), 'baseline:v1.30 restricted:v1.31 privileged:latest')
  assert.equal(read({ enforce: 'privileged', 'audit-version': 'latest' }, defaults), 'privileged:v1.30 restricted:latest privileged:latest')
})

test('who enforces is warned of the same, unless the labels speak of warnings', () => {
  assert.equal(read({ enforce: 'baseline', 'enforce-version': 'v1.20' }), 'baseline:v1.20 privileged:latest baseline:v1.20')
  assert.equal(
    read({ enforce: 'baseline', 'enforce-version': 'v1.20', 'warn-version': 'v1.30' }),
    'baseline:v1.20 privileged:latest baseline:v1.30',
  )
  assert.equal(read({ enforce: 'baseline', warn: 'privileged' }), 'baseline:latest privileged:latest privileged:latest')
  const stricter: Policy = { ...privilegedPolicy, warn: { level: 'restricted', version: 'v1.25' } }
  assert.equal(read({ enforce: 'baseline' }, stricter), 'baseline:latest privileged:latest restricted:v1.25')
})

test('of what cannot be read, enforcing is as strict as can be and the rest is silent; the problems name the labels', () => {
  const labels = { enforce: 'Baseline', 'enforce-version': '1.30', audit: 'x', warn: '', 'warn-version': 'v1.01' }
  const { policy, problems } = policyOf(label(labels), privilegedPolicy)
  assert.equal(shown(policy), 'restricted:latest privileged:latest privileged:latest')
  const levels = 'must be one of privileged, baseline, restricted'
  assert.deepEqual(
    problems.map(({ path, message }) => [path, message]),
    [
      ['metadata.labels[pod-security.kubernetes.io/enforce]', `Invalid value: "Baseline": ${levels}`],
      ['metadata.labels[pod-security.kubernetes.io/enforce-version]', 'Invalid value: "1.30": must be "latest" or "v1.x"'],
      ['metadata.labels[pod-security.kubernetes.io/audit]', `Invalid value: "x": ${levels}`],
      ['metadata.labels[pod-security.kubernetes.io/warn]', `Invalid value: "": ${levels}`],
      ['metadata.labels[pod-security.kubernetes.io/warn-version]', 'Invalid value: "v1.01": must be "latest" or "v1.x"'],
    ],
  )
  for (const version of ['v2.0', 'v1', 'v1.x', 'v1.-1', 'v1.99999999999999999999', 'v1.3\n', 'Latest', '']) {
    assert.equal(policyOf(label({ 'warn-version': version }), privilegedPolicy).problems.length, 1, version)
  }
  for (const version of ['v1.0', 'v1.36', 'v1.999', 'latest']) {
    assert.equal(policyOf(label({ 'warn-version': version }), privilegedPolicy).problems.length, 0, version)
  }
})

test('levels and policies are compared', () => {
  assert.ok(compareLevels('restricted', 'baseline') > 0 && compareLevels('privileged', 'baseline') < 0)
  const other = { ...privilegedPolicy, enforce: { level: 'privileged', version: 'v1.1' } } as const
  assert.ok(allowsSame(privilegedPolicy, other), 'every version of privileged allows everything')
  const [one, two] = (['v1.1', 'v1.2'] as const).map((version) => ({ ...privilegedPolicy, warn: { level: 'baseline' as const, version } }))
  assert.ok(!allowsSame(one!, two!))
})
