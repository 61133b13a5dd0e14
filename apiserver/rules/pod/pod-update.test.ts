import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pod } from '../../../shared/openapi/generated/core-v1.ts'
import { defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { ephemeralContainersUpdateProblems, podStatusUpdateProblems, podUpdateProblems } from './pod-update.ts'

function podOf(spec: object = {}, status: object = {}): Pod {
  const given = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }], ...structuredClone(spec) }, status }
  const pod = decodeObject('v1', 'Pod', given, { fieldValidation: 'Strict' }) as Pod
  defaultPodSpec(pod.spec)
  return pod
}
const paths = (next: object, previous: object = {}) => [...podUpdateProblems(podOf(next), podOf(previous))].map((problem) => problem.path)

test('what may change', () => {
  assert.deepEqual(paths({}), [])
  assert.deepEqual(paths({ containers: [{ name: 'c', image: 'y' }] }), [])
  assert.deepEqual(paths({ activeDeadlineSeconds: 5 }), [])
  assert.deepEqual(paths({ activeDeadlineSeconds: 5 }, { activeDeadlineSeconds: 9 }), [])
  assert.deepEqual(paths({ tolerations: [{ operator: 'Exists' }] }), [])
  assert.deepEqual(
    paths({ tolerations: [{ key: 'a', effect: 'NoExecute', tolerationSeconds: 9 }] }, { tolerations: [{ key: 'a', effect: 'NoExecute' }] }),
    [],
  )
  assert.deepEqual(
    paths({ schedulingGates: [{ name: 'b' }], nodeSelector: { a: 'b' } }, { schedulingGates: [{ name: 'a' }, { name: 'b' }] }),
    [],
  )
  assert.deepEqual(paths({ terminationGracePeriodSeconds: 1 }, { terminationGracePeriodSeconds: -1 }), [])
})

test('what may not', () => {
  assert.deepEqual(paths({ nodeName: 'n' }), ['spec'])
  assert.deepEqual(paths({ nodeSelector: { a: 'b' } }), ['spec'])
  assert.deepEqual(paths({ containers: [{ name: 'c', image: 'x', command: ['y'] }] }), ['spec'])
  assert.deepEqual(
    paths({
      containers: [
        { name: 'c', image: 'x' },
        { name: 'd', image: 'x' },
      ],
    }),
    ['spec.containers', 'spec'],
  )
  assert.deepEqual(paths({ activeDeadlineSeconds: 9 }, { activeDeadlineSeconds: 5 }), ['spec.activeDeadlineSeconds'])
  assert.deepEqual(paths({}, { activeDeadlineSeconds: 5 }), ['spec.activeDeadlineSeconds'])
  assert.deepEqual(paths({}, { tolerations: [{ operator: 'Exists' }] }), ['spec.tolerations'])
  assert.deepEqual(paths({ schedulingGates: [{ name: 'new' }] }), ['spec.schedulingGates'])
  assert.deepEqual(paths({ ephemeralContainers: [{ name: 'e', image: 'x' }] }), ['spec.ephemeralContainers'])
})

test('ephemeral containers are only added', () => {
  const found = (next: object, previous: object) =>
    [...ephemeralContainersUpdateProblems(podOf(next), podOf(previous))].map((problem) => problem.message)
  const one = { ephemeralContainers: [{ name: 'e', image: 'x' }] }
  assert.deepEqual(found(one, {}), [])
  assert.match(found({}, one).join(), /"e" may not be removed/)
  assert.match(found({ ephemeralContainers: [{ name: 'e', image: 'y' }] }, one).join(), /"e" may not be changed/)
  assert.match(found({ ephemeralContainers: [{ name: 'c', image: 'y' }] }, {}).join(), /Duplicate value: "c"/)
  assert.match(
    found({ ephemeralContainers: [{ name: 'e', image: 'x', ports: [{ containerPort: 1 }] }] }, {}).join(),
    /cannot be set for an Ephemeral Container/,
  )
})

test('what has ended does not run again', () => {
  const state = (state: object) => ({ containerStatuses: [{ name: 'c', state }] })
  const found = (policy: string, exitCode: number) => {
    const previous = podOf({ restartPolicy: policy }, state({ terminated: { exitCode } }))
    return [...podStatusUpdateProblems(podOf({ restartPolicy: policy }, state({ running: {} })), previous)].length
  }
  assert.equal(found('Never', 1), 1)
  assert.equal(found('OnFailure', 0), 1)
  assert.equal(found('OnFailure', 1), 0)
  assert.equal(found('Always', 0), 0)
})
