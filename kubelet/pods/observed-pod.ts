import type { ContainerStatus, SandboxStatus } from '../runtime/container-runtime.ts'

/** What the runtime has of one pod, newest first. */
export interface ObservedPod {
  sandboxes: readonly SandboxStatus[]
  containers: readonly ContainerStatus[]
}

/** The sandbox in use: the newest one, when it lives and has what it needs. */
export function liveSandbox(observed: ObservedPod): SandboxStatus | undefined {
  const [newest] = observed.sandboxes
  return newest?.state === 'ready' ? newest : undefined
}

/** All instances of a container, newest first. */
export function instancesOf(observed: ObservedPod, name: string): ContainerStatus[] {
  return observed.containers.filter((container) => container.name === name)
}

/** The newest instance of a container, in whatever sandbox. */
export function newestOf(observed: ObservedPod, name: string): ContainerStatus | undefined {
  return observed.containers.find((container) => container.name === name)
}

export function runningOf(observed: ObservedPod): ContainerStatus[] {
  return observed.containers.filter(({ state }) => state === 'running')
}
