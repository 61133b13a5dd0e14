import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ContainerRuntime, ContainerStatus, SandboxStatus } from '../runtime/container-runtime.ts'
import { instancesOf, liveSandbox } from './observed-pod.ts'

/** Finds what a request to the node's API is about: it names pods and containers, the runtime knows ids. */
export interface PodLookup {
  /** A pod of this node; with a uid, only that very one. */
  pod(namespace: string, name: string, uid?: string): Pod | undefined
  /** The newest instance of a container, or the one before it; undefined when there is none (any more). */
  container(pod: Pod, containerName: string, which: 'newest' | 'previous', signal: AbortSignal): Promise<ContainerStatus | undefined>
  /** The sandbox that lives; undefined when the pod has none. */
  sandbox(pod: Pod, signal: AbortSignal): Promise<SandboxStatus | undefined>
}

export function podLookup(runtime: ContainerRuntime, pods: () => readonly Pod[]): PodLookup {
  return {
    pod(namespace, name, uid) {
      return pods().find(
        ({ metadata }) => metadata.namespace === namespace && metadata.name === name && (uid === undefined || metadata.uid === uid),
      )
    },
    async container({ metadata }, containerName, which, signal) {
      const containers = await runtime.listContainers({ podUid: metadata.uid }, signal)
      return instancesOf({ sandboxes: [], containers }, containerName)[which === 'newest' ? 0 : 1]
    },
    async sandbox({ metadata }, signal) {
      const sandboxes = await runtime.listSandboxes({ podUid: metadata.uid }, signal)
      return liveSandbox({ sandboxes, containers: [] })
    },
  }
}
