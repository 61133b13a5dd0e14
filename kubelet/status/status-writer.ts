import { becauseOf } from '../../shared/client/cause.ts'
import type { Writer } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Pod, PodCondition, PodStatus } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'

/** Milliseconds before a status that could not be written is tried again; doubles up to `most`. */
const RETRY = { first: 250, most: 10_000 }

/**
 * Tells the API server how pods are. One write a pod at a time; while one is under way only the newest status is kept. Only changes are sent, as a
 * patch that leaves what others write (readiness gates, scheduling) alone. While the server is away it keeps trying.
 */
export interface StatusWriter {
  /** `pod` is the object as last seen; its status is what is compared with. */
  set(pod: Pod, status: PodStatus): void
  /** Resolves when the newest status of the pod has been written, or can never be (the pod is gone). */
  flushed(podUid: string): Promise<void>
  /** The pod is gone: no more of it is written. */
  forget(podUid: string): void
}

interface Entry {
  pod: Pod
  wanted: PodStatus
  /** What the server has, as far as we know. */
  acknowledged: PodStatus
  dirty: boolean
  running: Promise<void> | undefined
}

export function statusWriter(writer: Pick<Writer, 'patch'>, clock: Clock, log: Logger, signal: AbortSignal): StatusWriter {
  const entries = new Map<string, Entry>()

  async function write(uid: string, entry: Entry): Promise<void> {
    let wait = RETRY.first
    while (entry.dirty && entries.get(uid) === entry && !signal.aborted) {
      entry.dirty = false
      const { pod, wanted } = entry
      const change = statusPatch(entry.acknowledged, wanted)
      if (change === undefined) continue
      try {
        const { namespace, name = '' } = pod.metadata
        // The uid makes sure that a new pod of the same name never gets the old one's status.
        const body = { metadata: { uid }, status: change }
        const patch = { type: 'strategic', body, subresource: 'status' } as const
        const cause = { by: 'kubelet', revision: pod.metadata.resourceVersion }
        const answer = await becauseOf(cause, () => writer.patch('v1', 'Pod', { namespace, name }, patch, { signal }))
        // Where the server keeps a value in another spelling, ours is what later changes are measured by.
        entry.acknowledged = { ...answer.status, ...wanted }
        wait = RETRY.first
      } catch (error) {
        if (signal.aborted) return
        // A conflict may be another pod of that name or a busy server: the first ends when the pod is forgotten.
        if (hasReason(error, 'NotFound')) {
          log.debug('a pod went before its status could be written', { pod: pod.metadata.name, uid })
          return
        }
        log.warn('a pod status could not be written; trying again', {
          pod: pod.metadata.name,
          error: String(error),
          waitMilliseconds: wait,
        })
        entry.dirty = true
        await pause(clock, wait, signal)
        wait = Math.min(wait * 2, RETRY.most)
      }
    }
  }

  function pump(uid: string, entry: Entry): void {
    entry.running ??= write(uid, entry).finally(() => {
      entry.running = undefined
      // Set between the last look and this moment.
      if (entry.dirty && entries.get(uid) === entry && !signal.aborted) pump(uid, entry)
    })
  }

  return {
    set(pod, status) {
      const uid = pod.metadata.uid ?? ''
      // What the server answered last is newer than what the cache shows.
      const entry = entries.get(uid) ?? { pod, wanted: status, acknowledged: pod.status, dirty: true, running: undefined }
      entry.pod = pod
      entry.wanted = status
      entry.dirty = true
      entries.set(uid, entry)
      pump(uid, entry)
    },
    async flushed(uid) {
      for (let entry = entries.get(uid); entry?.running; entry = entries.get(uid)) await entry.running
    },
    forget: (uid) => void entries.delete(uid),
  }
}

/** Lists that the API merges by a key: an element leaves only when the patch says so. */
const MERGED_BY: Readonly<Record<string, string>> = { podIPs: 'ip', hostIPs: 'ip' }

/** Conditions of the kubelet's own that are there only while they hold. */
const PASSING: ReadonlySet<string> = new Set(['PodResizePending', 'PodResizeInProgress'])

/** The strategic merge patch from one status to another, as far as the kubelet owns it; undefined when nothing is to be said. */
export function statusPatch(from: PodStatus, to: PodStatus): Record<string, unknown> | undefined {
  const before = from as Record<string, unknown>
  const patch: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(to)) {
    if (value === undefined || sameJson(before[key], value)) continue
    if (key === 'conditions') {
      const changed = (to.conditions ?? []).flatMap((next) =>
        changedCondition(
          from.conditions?.find(({ type }) => type === next.type),
          next,
        ),
      )
      const over = (from.conditions ?? []).filter(({ type }) => PASSING.has(type) && !to.conditions?.some((next) => next.type === type))
      const gone = over.map(({ type }) => ({ type, $patch: 'delete' }))
      if (changed.length + gone.length > 0) patch[key] = [...changed, ...gone]
    } else patch[key] = key in MERGED_BY ? mergedList(before[key], value, MERGED_BY[key] ?? '') : value
  }
  for (const key of ['message', 'reason', 'podIP', 'podIPs'] as const) {
    if (from[key] !== undefined && to[key] === undefined) patch[key] = null
  }
  return Object.keys(patch).length > 0 ? patch : undefined
}

/** Conditions are merged field by field: a reason that no longer holds must be taken back. */
function changedCondition(last: PodCondition | undefined, next: PodCondition): object[] {
  if (last && sameJson(last, next)) return []
  const dropped = (['reason', 'message'] as const).filter((field) => last?.[field] !== undefined && next[field] === undefined)
  return [{ ...next, ...Object.fromEntries(dropped.map((field) => [field, null])) }]
}

function mergedList(before: unknown, after: unknown, key: string): unknown {
  const last = Array.isArray(before) ? before : []
  const next = Array.isArray(after) ? after : []
  const gone = last.filter((old) => !next.some((one) => one[key] === old[key]))
  return [...next, ...gone.map((old) => ({ [key]: old[key], $patch: 'delete' }))]
}
