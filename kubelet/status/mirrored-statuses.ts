import type { Pod, PodStatus } from '../../shared/openapi/generated/core-v1.ts'
import { isStaticPod } from '../pods/pod-kinds.ts'
import type { StatusWriter } from './status-writer.ts'

/** Where the mirrors of static pods are. */
export interface Mirrors {
  of(pod: Pod): Pod | undefined
  onChange(listener: () => void): void
}

interface Shown {
  pod: Pod
  status: PodStatus
  /** The mirror that was written to, and what was said there. */
  mirrorUid?: string | undefined
  said?: PodStatus | undefined
}

/** Statuses of static pods go to their mirrors; as long as there is none, the newest is kept for it. All others go their way. */
export function mirroredStatuses(writer: StatusWriter, mirrors: Mirrors): StatusWriter {
  const shown = new Map<string, Shown>()

  function show(one: Shown): void {
    const mirror = mirrors.of(one.pod)
    if (!mirror) return
    const { uid = '' } = mirror.metadata
    if (one.mirrorUid !== uid) {
      if (one.mirrorUid !== undefined) writer.forget(one.mirrorUid)
      one.mirrorUid = uid
      one.said = mirror.status
    }
    one.said = continued(one.said, one.status)
    writer.set(mirror, one.said)
  }

  mirrors.onChange(() => {
    for (const one of shown.values()) if (mirrors.of(one.pod)?.metadata.uid !== one.mirrorUid) show(one)
  })

  return {
    set(pod, status) {
      if (!isStaticPod(pod)) return writer.set(pod, status)
      const uid = pod.metadata.uid ?? ''
      const one: Shown = { ...shown.get(uid), pod, status }
      shown.set(uid, one)
      show(one)
    },
    flushed: (uid) => writer.flushed(shown.get(uid)?.mirrorUid ?? uid),
    forget(uid) {
      writer.forget(shown.get(uid)?.mirrorUid ?? uid)
      shown.delete(uid)
    },
  }
}

/** A kubelet that was restarted knows nothing of a static pod's past but what its mirror says: times that still hold are kept. */
function continued(before: PodStatus | undefined, next: PodStatus): PodStatus {
  const conditions = next.conditions?.map((condition) => {
    const last = before?.conditions?.find(({ type }) => type === condition.type)
    return last?.status === condition.status ? { ...condition, lastTransitionTime: last.lastTransitionTime } : condition
  })
  return { ...next, ...(conditions ? { conditions } : {}), ...(before?.startTime ? { startTime: before.startTime } : {}) }
}
