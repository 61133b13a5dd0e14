import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pod, PodAffinityTerm } from '../../../shared/openapi/generated/core-v1.ts'
import { foldLabelKeys, labelKeysProblems } from './label-keys.ts'

const term = (more: Partial<PodAffinityTerm>): PodAffinityTerm => ({ topologyKey: 'zone', ...more })
const folded = (more: Partial<PodAffinityTerm>, labels?: Record<string, string>) => {
  const [required, preferred] = [term(structuredClone(more)), term(structuredClone(more))]
  const pod = {
    metadata: { name: 'p', labels },
    spec: {
      containers: [],
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [required] },
        podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: preferred }] },
      },
    },
  } as unknown as Pod
  foldLabelKeys(pod)
  assert.deepEqual(required, preferred, 'in terms of every kind')
  return required.labelSelector
}

test('keys become requirements of the values that the pod has, beside what the selector says', () => {
  const labels = { app: 'web', 'pod-template-hash': 'abc', tenant: 'a' }
  assert.deepEqual(folded({ labelSelector: { matchLabels: { app: 'web' } }, matchLabelKeys: ['pod-template-hash'] }, labels), {
    matchLabels: { app: 'web' },
    matchExpressions: [{ key: 'pod-template-hash', operator: 'In', values: ['abc'] }],
  })
  const other = { key: 'tenant', operator: 'Exists' }
  assert.deepEqual(folded({ labelSelector: { matchExpressions: [other] }, mismatchLabelKeys: ['tenant'] }, labels), {
    matchExpressions: [other, { key: 'tenant', operator: 'NotIn', values: ['a'] }],
  })
})

test('keys that the pod does not have say nothing, inherited names least of all', () => {
  assert.deepEqual(folded({ labelSelector: {}, matchLabelKeys: ['absent', 'constructor'] }, { app: 'web' }), {})
  assert.deepEqual(folded({ labelSelector: {}, mismatchLabelKeys: ['absent'] }), {})
  assert.equal(folded({ matchLabelKeys: ['app'] }, { app: 'web' }), undefined)
})

test('refused: keys without a selector, what is no key, a key on both sides', () => {
  const problemsOf = (more: Partial<PodAffinityTerm>) =>
    [...labelKeysProblems(term(more), 't')].map(({ path, message }) => `${path}: ${message}`)
  assert.deepEqual(problemsOf({ labelSelector: {}, matchLabelKeys: ['a'], mismatchLabelKeys: ['b'] }), [])
  assert.deepEqual(problemsOf({ matchLabelKeys: ['a'] }), [
    't.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set',
  ])
  assert.match(problemsOf({ labelSelector: {}, mismatchLabelKeys: ['a b'] })[0] ?? '', /^t\.mismatchLabelKeys\[0\]: Invalid value: "a b"/)
  assert.deepEqual(problemsOf({ labelSelector: {}, matchLabelKeys: ['a', 'b'], mismatchLabelKeys: ['b'] }), [
    't.matchLabelKeys[1]: Invalid value: "b": exists in both matchLabelKeys and mismatchLabelKeys',
  ])
})
