import type { ContainerConfig, SandboxConfig } from './container-runtime.ts'

/**
 * What the kubelet must know after its own restart is on the containers themselves. The `io.kubernetes` names are the
 * ones that tools around Docker already look for.
 */
export const label = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
  role: 'coxswain.role',
  /** The node whose kubelet owns it: several nodes may share one engine in tests. */
  node: 'coxswain.node',
  attempt: 'coxswain.attempt',
  sandbox: 'coxswain.sandbox',
  image: 'coxswain.image',
  cgroupParent: 'coxswain.cgroup-parent',
  hostNetwork: 'coxswain.host-network',
} as const

export function sandboxLabels(node: string, config: SandboxConfig): Record<string, string> {
  return {
    ...config.labels,
    [label.podName]: config.pod.name,
    [label.podNamespace]: config.pod.namespace,
    [label.podUid]: config.pod.uid,
    [label.role]: 'sandbox',
    [label.node]: node,
    [label.attempt]: String(config.attempt),
    [label.cgroupParent]: config.cgroupParent,
    [label.hostNetwork]: String(config.hostNetwork),
  }
}

export function containerLabels(
  node: string,
  sandboxId: string,
  pod: { name: string; namespace: string; uid: string },
  config: ContainerConfig,
): Record<string, string> {
  return {
    ...config.labels,
    [label.podName]: pod.name,
    [label.podNamespace]: pod.namespace,
    [label.podUid]: pod.uid,
    [label.containerName]: config.name,
    [label.role]: 'container',
    [label.node]: node,
    [label.attempt]: String(config.attempt),
    [label.sandbox]: sandboxId,
    [label.image]: config.image,
  }
}

/** The pod that a labelled container belongs to. */
export function podOf(labels: Record<string, string>): { name: string; namespace: string; uid: string } {
  return { name: labels[label.podName] ?? '', namespace: labels[label.podNamespace] ?? '', uid: labels[label.podUid] ?? '' }
}
