import type { Container, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type ContainerConfig, RuntimeError } from '../runtime/container-runtime.ts'

/** What the image says about its user: a number, a name, or nothing (root). */
export type ImageUser = string | undefined

/** What a container may do: its own security context over the pod's. @throws RuntimeError CreateContainerConfigError */
export function containerSecurity(pod: Pod, container: Container, imageUser: ImageUser): ContainerConfig['security'] {
  const own = container.securityContext ?? {}
  const shared = pod.spec.securityContext ?? {}
  const runAsUser = own.runAsUser ?? shared.runAsUser
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup
  if (own.runAsNonRoot ?? shared.runAsNonRoot) refuseRoot(pod, container, runAsUser, imageUser)
  const { fsGroup, supplementalGroups = [] } = shared
  const privileged = own.privileged ?? false
  const profile = own.seccompProfile ?? shared.seccompProfile
  if (profile?.type === 'Localhost') throw refused(`seccomp profile ${JSON.stringify(profile.localhostProfile)} is not on this node`)
  return {
    user: userOf(runAsUser, runAsGroup, imageUser),
    groups: [...new Set([...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])])],
    privileged,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    // Gaining privileges is refused only where it was asked for; upstream's default lets set-uid programs work.
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    addCapabilities: (own.capabilities?.add ?? []).map(bareName),
    dropCapabilities: (own.capabilities?.drop ?? []).map(bareName),
    // No profile named means none, as long as the kubelet does not default it (SeccompDefault is off).
    seccomp: profile?.type === 'RuntimeDefault' ? 'default' : 'unconfined',
  }
}

function userOf(runAsUser: number | undefined, runAsGroup: number | undefined, imageUser: ImageUser): string | undefined {
  if (runAsUser === undefined && runAsGroup === undefined) return undefined
  const user = runAsUser === undefined ? imageUser?.split(':')[0] || '0' : String(runAsUser)
  return runAsGroup === undefined ? user : `${user}:${runAsGroup}`
}

function refuseRoot(pod: Pod, container: Container, runAsUser: number | undefined, imageUser: ImageUser): void {
  const about = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`
  if (runAsUser !== undefined) {
    if (runAsUser === 0) throw refused(`container's runAsUser breaks non-root policy ${about}`)
    return
  }
  const user = imageUser?.split(':')[0] ?? ''
  if (user === '' || user === '0') throw refused(`container has runAsNonRoot and image will run as root ${about}`)
  if (!/^\d+$/.test(user))
    throw refused(`container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${about}`)
}

function refused(message: string): RuntimeError {
  return new RuntimeError('CreateContainerConfigError', message)
}

/** The engine wants names without their prefix; the API takes both. */
function bareName(capability: string): string {
  return capability.replace(/^CAP_/, '')
}
