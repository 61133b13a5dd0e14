import type { Container, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ContainerStatus } from '../runtime/container-runtime.ts'
import { type ContainerKind, isSidecar } from './pod-containers.ts'

/** Whether a container that is not running should be started (again). `last` is undefined when it never ran. */
export function shouldStart(pod: Pod, kind: ContainerKind, container: Container, last: ContainerStatus | undefined): boolean {
  if (last === undefined || last.state === 'created') return true
  if (last.state === 'running') return false
  if (kind === 'ephemeral') return false
  const exitCode = last.exitCode ?? 0
  for (const { action, exitCodes } of container.restartPolicyRules ?? []) {
    const listed = exitCodes?.values?.includes(exitCode) ?? false
    if (action === 'Restart' && exitCodes && listed === (exitCodes.operator !== 'NotIn')) return true
  }
  switch (effectivePolicy(pod, kind, container)) {
    case 'Always':
      return true
    case 'OnFailure':
      return exitCode !== 0
    default:
      return false
  }
}

/** The policy of one container: its own, else the pod's; a plain init container under `Always` is restarted only when it failed. */
export function effectivePolicy(pod: Pod, kind: ContainerKind, container: Container): string {
  if (container.restartPolicy) return container.restartPolicy
  const policy = pod.spec.restartPolicy ?? 'Always'
  return kind === 'init' && !isSidecar(container) && policy === 'Always' ? 'OnFailure' : policy
}
