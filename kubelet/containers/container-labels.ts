import type { ContainerStatus } from '../runtime/container-runtime.ts'

/** What the pod machinery keeps on a container, so that it can end it properly and explain its end when the pod's spec is gone. */
export const containerLabel = {
  /** Seconds between TERM and KILL. */
  grace: 'coxswain.grace-seconds',
  /** Where on the node the container's termination message is. */
  messageFile: 'coxswain.termination-message-file',
  messagePolicy: 'coxswain.termination-message-policy',
} as const

/** The grace a container was started with. */
export function labelledGrace(container: ContainerStatus): number {
  const seconds = Number(container.labels[containerLabel.grace])
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 30
}
