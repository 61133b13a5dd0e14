import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pod } from '../openapi/generated/core-v1.ts'
import { podDemand } from './pod-demand.ts'

interface Told {
  allocated?: string
  actual?: string
}

function podOf(cpu: string, { allocated, actual }: Told, reason?: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: {
      containers: [
        { name: 'a', image: 'x', resources: { requests: { cpu } } },
        { name: 'b', image: 'x', resources: { requests: { cpu: '1' } } },
      ],
    },
    status: {
      containerStatuses: [
        {
          ...{ name: 'a', image: 'x', imageID: '', ready: true, restartCount: 0, state: {}, lastState: {} },
          ...(allocated ? { allocatedResources: { cpu: allocated } } : {}),
          ...(actual ? { resources: { requests: { cpu: actual } } } : {}),
        },
      ],
      ...(reason ? { conditions: [{ type: 'PodResizePending', status: 'True', reason }] } : {}),
    },
  }
}

test('while a pod is resized, the most of what is asked for, granted and had counts', () => {
  const table: [string, Told, string | undefined, number][] = [
    ['100m', {}, undefined, 1100],
    ['100m', { allocated: '100m', actual: '100m' }, undefined, 1100],
    // Up, and waiting for room: the scheduler must not give it away.
    ['300m', { allocated: '100m', actual: '100m' }, 'Deferred', 1300],
    ['300m', { allocated: '300m', actual: '100m' }, undefined, 1300],
    // Down: what is not given back yet is not free.
    ['100m', { allocated: '300m', actual: '300m' }, undefined, 1300],
    ['100m', { allocated: '100m', actual: '300m' }, undefined, 1300],
    // Never to be granted.
    ['64', { allocated: '100m', actual: '100m' }, 'Infeasible', 1100],
  ]
  for (const [asked, told, reason, expected] of table)
    assert.equal(podDemand(podOf(asked, told, reason)).get('cpu'), expected, JSON.stringify([asked, told, reason]))
})
