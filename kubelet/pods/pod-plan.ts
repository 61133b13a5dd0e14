import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { planInitContainers } from './init-plan.ts'
import { liveSandbox, newestOf, runningOf } from './observed-pod.ts'
import { mergeSteps, type PlanInput, type Steps, stepFor } from './plan-step.ts'
import { isSidecar } from './pod-containers.ts'
import { shouldStart } from './restart-policy.ts'

/** What to do next about a pod that shall run. */
export interface PodPlan extends Steps {
  /** `replace`: the old one and all that runs in it go first. */
  sandbox: 'keep' | 'create' | 'replace'
  sandboxAttempt: number
  /** Nothing will run any more: what still does (sidecars) is stopped, and the pod ends as Succeeded or Failed. */
  finished: boolean
}

const NOTHING: PodPlan = { sandbox: 'keep', sandboxAttempt: 0, stop: [], start: [], hold: [], finished: false }
const FINISHED: PodPlan = { ...NOTHING, finished: true }

/** Decides, purely, what the pod needs next. The caller acts, observes again, and asks again until nothing is left to do. */
export function planPod(input: PlanInput): PodPlan {
  const { pod, observed } = input
  const sandbox = liveSandbox(observed)
  if (!sandbox) return planSandbox(input)

  const here = { ...observed, containers: observed.containers.filter(({ sandboxId }) => sandboxId === sandbox.id) }
  const init = planInitContainers(input, here)
  if (init.outcome === 'failed') return FINISHED
  // Left behind in an earlier sandbox by a crash half-way through replacing it.
  const strays = runningOf(observed).filter(({ sandboxId }) => sandboxId !== sandbox.id)
  const stop = strays.map((status) => ({ status, message: `Stopping container ${status.name}` }))
  const steps = mergeSteps([{ stop, start: [], hold: [] }, init.steps, planEphemeral(input)])
  if (init.outcome === 'blocked') return { ...NOTHING, ...steps }

  const app = mergeSteps(pod.spec.containers.map((container) => stepFor(input, here, 'app', container)))
  const idle = app.start.length === 0 && app.hold.length === 0 && app.stop.length === 0
  const running = pod.spec.containers.some(({ name }) => newestOf(here, name)?.state === 'running')
  if (idle && !running) return FINISHED
  return { ...NOTHING, ...mergeSteps([steps, app]) }
}

/** Without a living sandbox: a new one, unless the pod has done all it will ever do. */
function planSandbox({ pod, observed }: PlanInput): PodPlan {
  const [last] = observed.sandboxes
  const policy = pod.spec.restartPolicy ?? 'Always'
  if (last && observed.containers.length > 0) {
    const more = pod.spec.containers.some((container) => {
      const newest = newestOf(observed, container.name)
      // What ran when its sandbox died was killed with it.
      return newest?.state === 'running' ? policy !== 'Never' : shouldStart(pod, 'app', container, newest)
    })
    if (policy === 'Never' || !more) return FINISHED
  }
  const stop = runningOf(observed).map((status) => ({ status, message: 'Pod sandbox changed, it will be killed and re-created.' }))
  return { ...NOTHING, sandbox: last ? 'replace' : 'create', sandboxAttempt: last ? last.attempt + 1 : 0, stop }
}

/** Ephemeral containers start once and are never restarted. */
function planEphemeral({ pod, observed }: PlanInput): Steps {
  const missing = (pod.spec.ephemeralContainers ?? []).filter(({ name }) => newestOf(observed, name) === undefined)
  return { stop: [], hold: [], start: missing.map((container) => ({ kind: 'ephemeral', container, attempt: 0 })) }
}

/** Sidecars in the order they must stop when the app has ended: last started, first stopped. */
export function sidecarsInStopOrder(pod: Pod): string[] {
  return (pod.spec.initContainers ?? [])
    .filter(isSidecar)
    .map(({ name }) => name)
    .reverse()
}
