import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { podsThatMakeRoom } from './critical-room.ts'

type Amounts = Record<string, string>

const pod = (name: string, requests: Amounts, { limits = {}, priority = 0 }: { limits?: Amounts; priority?: number } = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, uid: name, resourceVersion: '1' },
  spec: { priority, containers: [{ name: 'c', image: 'i', resources: { requests, limits } }] },
  status: {},
})
const critical = pod('critical', {}, { priority: 2_000_000_000 })
const guaranteed = (name: string, cpu: string) => pod(name, { cpu, memory: '1Gi' }, { limits: { cpu, memory: '1Gi' } })
const burstable = (name: string, cpu: string) => pod(name, { cpu })
const bestEffort = (name: string) => pod(name, {})
const ends = (missing: Record<string, number>, others: readonly Pod[]) =>
  podsThatMakeRoom(critical, new Map(Object.entries(missing)), others)?.map(({ metadata }) => metadata.name)

test('the place of a pod that asked for nothing is enough where a place is what is missing', () => {
  assert.deepEqual(ends({ pods: 1 }, [guaranteed('g', '1'), burstable('b', '1'), bestEffort('e')]), ['e'])
})

test('who asked for least goes first, and guaranteed pods only when the others are not enough', () => {
  const others = [guaranteed('g', '1'), burstable('b1', '300m'), burstable('b2', '200m'), bestEffort('e')]
  assert.deepEqual(ends({ cpu: 500 }, others), ['b1', 'b2'])
  assert.deepEqual(ends({ cpu: 600 }, others), ['g'])
  assert.deepEqual(ends({ cpu: 1200 }, others), ['b2', 'g'])
})

test('of those that are enough alone the smallest goes', () => {
  assert.deepEqual(ends({ cpu: 100 }, [burstable('large', '2'), burstable('small', '150m'), burstable('middle', '1')]), ['small'])
})

test('nobody is ended for nothing, and nobody who is as critical', () => {
  assert.equal(ends({ cpu: 1000 }, [burstable('b', '900m')]), undefined)
  assert.equal(ends({ 'example.com/gpu': 1 }, [burstable('b', '2')]), undefined)
  const own = pod('own', { cpu: '2' }, { priority: 2_000_000_000 })
  assert.equal(ends({ cpu: 1000 }, [own]), undefined)
  assert.deepEqual(
    podsThatMakeRoom({ ...critical, spec: { ...critical.spec, priority: 2_000_001_000 } }, new Map([['cpu', 1000]]), [own]),
    [own],
  )
})
