import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { shutdownGroups, shutdownPeriods } from './shutdown-periods.ts'

const settings = (whole: number, critical = 0, texts: string[] = []) => ({
  ...{ shutdownGracePeriod: whole, shutdownGracePeriodCriticalPods: critical, shutdownGracePeriodByPodPriority: texts },
})
const pod = (name: string, priority?: number, phase = 'Running') =>
  ({ metadata: { name }, spec: { containers: [], ...(priority === undefined ? {} : { priority }) }, status: { phase } }) as unknown as Pod
const names = (pods: Pod[], periods: ReturnType<typeof shutdownPeriods>) =>
  shutdownGroups(pods, periods).map(({ seconds, pods: some }) => [seconds, ...some.map(({ metadata }) => metadata.name)])

test('critical pods have the last part of the whole period', () => {
  assert.deepEqual(shutdownPeriods(settings(30_000, 10_000)), [
    { priority: 0, seconds: 20 },
    { priority: 2_000_000_000, seconds: 10 },
  ])
  assert.deepEqual(shutdownPeriods(settings(0)), [])
})

test('periods by priority come lowest first', () => {
  assert.deepEqual(shutdownPeriods(settings(0, 0, ['1000=120', '-5=10', '0=60'])), [
    { priority: -5, seconds: 10 },
    { priority: 0, seconds: 60 },
    { priority: 1000, seconds: 120 },
  ])
})

test('settings that contradict each other are refused', () => {
  assert.throws(() => shutdownPeriods(settings(10_000, 20_000)), /critical-pods: must not be longer/)
  assert.throws(() => shutdownPeriods(settings(500)), /at least 1s/)
  assert.throws(() => shutdownPeriods(settings(10_000, 0, ['0=1'])), /leave one out/)
  assert.throws(() => shutdownPeriods(settings(0, 0, ['0=1', '0=2'])), /twice/)
  assert.throws(() => shutdownPeriods(settings(0, 0, ['high=2'])), /"high=2" is not priority=seconds/)
})

test('each pod is in the highest period that is not above it; what has ended is in none', () => {
  const periods = shutdownPeriods(settings(0, 0, ['0=60', '1000=20', '100000=10']))
  const pods = [pod('least', -9), pod('plain'), pod('edge', 1000), pod('between', 99_999), pod('top', 2e9), pod('done', 0, 'Succeeded')]
  assert.deepEqual(names(pods, periods), [
    [60, 'least', 'plain'],
    [20, 'edge', 'between'],
    [10, 'top'],
  ])
  assert.deepEqual(names([pod('top', 5000)], periods), [[20, 'top']], 'nobody waits for periods without pods')
})
