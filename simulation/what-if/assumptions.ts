import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { showDuration } from '../../shared/process/setting.ts'
import type { PodScript } from '../machines/simulated-machine.ts'
import { isReady } from '../pod-state.ts'

/** What a forecast cannot know and takes to be so; milliseconds. */
export interface Assumptions {
  /** From being placed to running and ready. */
  readonly podStart: number
  /** From the deletion to the end of the containers; never longer than the pod's grace period. */
  readonly podStop: number
  /** How long a pod that is not restarted runs, before it succeeds. */
  readonly jobDuration: number
}

export function assumptionSentences({ podStart, podStop, jobDuration }: Assumptions): string[] {
  return [
    `a pod that is placed runs and is ready after ${showDuration(podStart)}, and ends ${showDuration(podStop)} after it is deleted (--pod-start, --pod-stop)`,
    `a pod that is not restarted succeeds after ${showDuration(jobDuration)} (--job-duration)`,
    'pods that run go on running, as ready as they are; those that cannot start now do not start later on their node',
    'nodes have the room that they report; new nodes do not come, and a node that is silent now stays so',
    'autoscalers see no usage, so they change nothing; addresses and volumes of clouds and of CSI drivers are not made',
  ]
}

/** Reasons for which a container waits that time does not end. */
const STUCK: ReadonlySet<string> = new Set([
  ...['ImagePullBackOff', 'ErrImagePull', 'ErrImageNeverPull', 'InvalidImageName', 'CrashLoopBackOff'],
  ...['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError'],
])

/** How pods behave: those that were there go on as they were. @param adopted the pods of the copy, by uid */
export function scriptOf(assumptions: Assumptions, adopted: ReadonlyMap<string, Pod>): (pod: Pod) => Partial<PodScript> {
  return (pod) => {
    const { podStart, podStop, jobDuration } = assumptions
    const grace = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
    const before = adopted.get(pod.metadata.uid ?? '')
    const common = {
      stopMilliseconds: Math.min(podStop, grace * 1000),
      ...(pod.spec.restartPolicy === 'Always' ? {} : { ends: { afterMilliseconds: jobDuration, exitCode: 0 } }),
    }
    if (!before) return { ...common, startMilliseconds: podStart }
    if (before.status.phase === 'Running') return { ...common, becomesReady: isReady(before) }
    return { ...common, startMilliseconds: isStuck(before) ? Number.MAX_SAFE_INTEGER : podStart }
  }
}

function isStuck({ status }: Pod): boolean {
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  return containers.some(({ state }) => STUCK.has(state?.waiting?.reason ?? ''))
}
