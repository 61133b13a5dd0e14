import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pod } from '../../../shared/openapi/generated/core-v1.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { podCells } from './pod-status-cells.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
const STARTED = '2026-11-23T11:00:00Z'

function cells(status: object, spec: object = { containers: [{ name: 'a' }] }, metadata: object = {}): string {
  const pod = decodeObject('v1', 'Pod', structuredClone({ metadata, spec, status }), { fieldValidation: 'Strict' }) as Pod
  const { ready, status: word, restarts } = podCells(pod, NOW)
  return `${ready} ${word} ${restarts}`
}

const running = (name: string, more: object = {}) => ({ name, ready: true, state: { running: { startedAt: STARTED } }, ...more })
const ended = (name: string, terminated: object) => ({ name, state: { terminated } })
const waiting = (name: string, reason: string, more: object = {}) => ({ name, state: { waiting: { reason } }, ...more })
const ago = (seconds: number) => ({ lastState: { terminated: { exitCode: 1, finishedAt: new Date(NOW - seconds * 1000).toISOString() } } })

test('ordinary lives', () => {
  assert.equal(cells({ phase: 'Pending' }), '0/1 Pending 0')
  assert.equal(cells({ phase: 'Pending', containerStatuses: [waiting('a', 'ContainerCreating')] }), '0/1 ContainerCreating 0')
  assert.equal(cells({ phase: 'Running', containerStatuses: [running('a')] }), '1/1 Running 0')
  assert.equal(cells({ phase: 'Running', containerStatuses: [running('a', { ready: false })] }), '0/1 Running 0')
  assert.equal(cells({ phase: 'Succeeded', containerStatuses: [ended('a', { exitCode: 0, reason: 'Completed' })] }), '0/1 Completed 0')
  assert.equal(cells({ phase: 'Failed', containerStatuses: [ended('a', { exitCode: 3, reason: 'Error' })] }), '0/1 Error 0')
  assert.equal(cells({ phase: 'Failed', reason: 'Evicted' }), '0/1 Evicted 0')
  assert.equal(cells({ phase: 'Failed', containerStatuses: [ended('a', { exitCode: 3 })] }), '0/1 ExitCode:3 0')
  assert.equal(cells({ phase: 'Failed', containerStatuses: [ended('a', { exitCode: 137, signal: 9 })] }), '0/1 Signal:9 0')
})

test('restarts, and when the last one was', () => {
  assert.equal(
    cells({ phase: 'Running', containerStatuses: [waiting('a', 'CrashLoopBackOff', { restartCount: 3, ...ago(5) })] }),
    '0/1 CrashLoopBackOff 3 (5s ago)',
  )
  assert.equal(cells({ phase: 'Running', containerStatuses: [running('a', { restartCount: 2 })] }), '1/1 Running 2')
  const two = { containers: [{ name: 'a' }, { name: 'b' }] }
  const statuses = [running('a', { restartCount: 1, ...ago(3600) }), running('b', { restartCount: 4, ...ago(150) })]
  assert.equal(cells({ phase: 'Running', containerStatuses: statuses }, two), '2/2 Running 5 (2m30s ago)')
})

test('one finished, one running', () => {
  const two = { containers: [{ name: 'a' }, { name: 'b' }] }
  const containerStatuses = [ended('a', { exitCode: 0, reason: 'Completed' }), running('b')]
  assert.equal(cells({ phase: 'Running', containerStatuses }, two), '1/2 NotReady 0')
  assert.equal(cells({ phase: 'Running', containerStatuses, conditions: [{ type: 'Ready', status: 'True' }] }, two), '1/2 Running 0')
})

test('init containers and sidecars', () => {
  const spec = { initContainers: [{ name: 'i' }, { name: 'j' }], containers: [{ name: 'a' }] }
  assert.equal(
    cells({ phase: 'Pending', initContainerStatuses: [waiting('i', 'PodInitializing'), waiting('j', 'PodInitializing')] }, spec),
    '0/1 Init:0/2 0',
  )
  assert.equal(
    cells({ phase: 'Pending', initContainerStatuses: [ended('i', { exitCode: 0 }), { name: 'j', state: { running: {} } }] }, spec),
    '0/1 Init:1/2 0',
  )
  assert.equal(cells({ phase: 'Pending', initContainerStatuses: [ended('i', { exitCode: 1 })] }, spec), '0/1 Init:ExitCode:1 0')
  assert.equal(cells({ phase: 'Pending', initContainerStatuses: [ended('i', { exitCode: 1, reason: 'Error' })] }, spec), '0/1 Init:Error 0')
  assert.equal(
    cells({ phase: 'Pending', initContainerStatuses: [waiting('i', 'CrashLoopBackOff', { restartCount: 2, ...ago(30) })] }, spec),
    '0/1 Init:CrashLoopBackOff 2 (30s ago)',
  )
  const sidecar = { initContainers: [{ name: 's', restartPolicy: 'Always' }], containers: [{ name: 'a' }] }
  const both = { initContainerStatuses: [running('s', { started: true, restartCount: 1, ...ago(9) })], containerStatuses: [running('a')] }
  assert.equal(cells({ phase: 'Running', ...both }, sidecar), '2/2 Running 1 (9s ago)')
})

test('gates, deletion and lost nodes', () => {
  const gate = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }
  assert.equal(cells(gate), '0/1 SchedulingGated 0')
  const deleted = { deletionTimestamp: '2026-11-23T12:00:30Z' }
  assert.equal(cells({ phase: 'Running', containerStatuses: [running('a')] }, undefined, deleted), '1/1 Terminating 0')
  assert.equal(cells({ phase: 'Running', reason: 'NodeLost' }, undefined, deleted), '0/1 Unknown 0')
  assert.equal(
    cells({ phase: 'Failed', containerStatuses: [ended('a', { exitCode: 1, reason: 'Error' })] }, undefined, deleted),
    '0/1 Error 0',
  )
})
