import { newestOf, type ObservedPod } from './observed-pod.ts'
import { mergeSteps, type PlanInput, type Steps, stepFor } from './plan-step.ts'
import { isSidecar } from './pod-containers.ts'
import { shouldStart } from './restart-policy.ts'

export interface InitPlan {
  steps: Steps
  /** `done`: the app may start. `blocked`: something must finish first. `failed`: the pod can never start. */
  outcome: 'done' | 'blocked' | 'failed'
}

/**
 * Init containers run one after another; sidecars among them need only have started. Once an app container was created in this sandbox
 * the pod counts as initialised: then only sidecars are kept running.
 */
export function planInitContainers(input: PlanInput, here: ObservedPod): InitPlan {
  const { pod, probe } = input
  const containers = pod.spec.initContainers ?? []
  const initialised = pod.spec.containers.some(({ name }) => newestOf(here, name) !== undefined)
  // Somebody may have removed an ended container; that a later one exists shows that it had succeeded.
  const lastSeen = containers.findLastIndex(({ name }) => newestOf(here, name) !== undefined)
  const steps: Steps[] = []

  for (const [index, container] of containers.entries()) {
    const current = newestOf(here, container.name)
    if (isSidecar(container)) {
      steps.push(stepFor(input, here, 'init', container))
      const started = current?.state === 'running' && probe(current).started
      if (!started && !initialised) return { steps: mergeSteps(steps), outcome: 'blocked' }
      continue
    }
    if (initialised || (current === undefined && index < lastSeen)) continue
    if (current?.state === 'exited') {
      if (current.exitCode === 0) continue
      if (!shouldStart(pod, 'init', container, current)) return { steps: mergeSteps(steps), outcome: 'failed' }
    }
    steps.push(stepFor(input, here, 'init', container))
    return { steps: mergeSteps(steps), outcome: 'blocked' }
  }
  return { steps: mergeSteps(steps), outcome: 'done' }
}
