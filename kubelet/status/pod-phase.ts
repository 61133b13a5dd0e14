import type { ContainerStatus, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { isSidecar } from '../pods/pod-containers.ts'

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

/** A container counts as ended when it has, or when it only waits to be started again. */
function endOf(status: ContainerStatus) {
  return status.state.terminated ?? (status.state.waiting ? status.lastState.terminated : undefined)
}

/** The phase that container statuses add up to. `finished`: nothing of this pod will run again. */
export function phaseOf(pod: Pod, init: readonly ContainerStatus[], app: readonly ContainerStatus[], finished: boolean): Phase {
  const policy = pod.spec.restartPolicy ?? 'Always'
  let pending = false
  for (const container of pod.spec.initContainers ?? []) {
    const status = init.find(({ name }) => name === container.name)
    if (isSidecar(container)) {
      if (status?.state.running ? !status.started : !status || !endOf(status)) pending = true
      continue
    }
    const end = status && endOf(status)
    if (end === undefined) pending = true
    else if (end.exitCode !== 0) {
      if (finished || (container.restartPolicy ?? policy) === 'Never') return 'Failed'
      pending = true
    } else if (status?.state.waiting) pending = true
  }

  const running = app.filter((status) => status.state.running).length
  const ends = app.map(endOf).filter((end) => end !== undefined)
  const waiting = app.length - running - ends.length
  const succeeded = ends.filter(({ exitCode }) => exitCode === 0).length
  if (finished && running === 0) return succeeded === app.length ? 'Succeeded' : 'Failed'
  // Sidecars that come back do not send a pod whose app runs back to Pending.
  if ((pending && running === 0 && ends.length === 0) || waiting > 0) return 'Pending'
  if (running > 0) return 'Running'
  if (ends.length === 0) return 'Pending'
  if (policy === 'Always') return 'Running'
  // One that ended well and waits was stopped to start again.
  if (succeeded === ends.length) return app.some(({ state }) => state.waiting) ? 'Running' : 'Succeeded'
  return policy === 'Never' ? 'Failed' : 'Running'
}
