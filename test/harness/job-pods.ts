import type { Job } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { created } from './job-bodies.ts'

/** When the tables of jobs' plans begin. */
export const START = Date.parse('2026-03-01T12:00:00Z')

interface Wish {
  phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
  index?: number | string
  /** Seconds after `START` at which it ended. */
  end?: number
  exitCode?: number
  going?: boolean
  tracked?: boolean
  failures?: number
  ignored?: number
  restarts?: number
  conditions?: string[]
}

/** A pod of a job, as it lies in the cache; its uid is its name. */
export function jobPod(name: string, wish: Wish = {}): Pod {
  const { phase = 'Running', index, end, exitCode = phase === 'Succeeded' ? 0 : 1, going, tracked = true } = wish
  const annotation = (key: string, value: number | string | undefined) =>
    value === undefined ? {} : { [`batch.kubernetes.io/job-${key}`]: `${value}` }
  const finishedAt = timestamp(START + (end ?? 0) * 1_000)
  const hasEnded = phase === 'Succeeded' || phase === 'Failed'
  const state = hasEnded ? { terminated: { exitCode, finishedAt } } : { running: {} }
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      ...{ name, uid: name, namespace: 'default', creationTimestamp: timestamp(START) },
      ...(going ? { deletionTimestamp: timestamp(START + 30_000), deletionGracePeriodSeconds: 30 } : {}),
      finalizers: tracked ? ['batch.kubernetes.io/job-tracking'] : [],
      annotations: {
        ...annotation('completion-index', index),
        ...annotation('index-failure-count', wish.failures),
        ...annotation('index-ignored-failure-count', wish.ignored),
      },
    },
    spec: { containers: [{ name: 'c', resources: {} }] },
    status: {
      phase,
      conditions: (wish.conditions ?? []).map((type) => ({ type, status: 'True' })),
      containerStatuses: [
        { ...{ name: 'c', image: 'x', imageID: '', ready: false, restartCount: wish.restarts ?? 0 }, state, lastState: {} },
      ],
    },
  }
}

/** A Job with this spec, started at `START`. */
export function startedJob(spec: object, status: object = {}): Job {
  return created(spec, { startTime: timestamp(START), ...status })
}
