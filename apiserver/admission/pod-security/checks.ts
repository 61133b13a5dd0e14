import type { PodSpec } from '../../../shared/openapi/generated/core-v1.ts'
import type { ObjectMeta } from '../../../shared/openapi/generated/meta-v1.ts'
import type { Check, FindViolation, Violation } from './check.ts'
import { allowPrivilegeEscalation } from './checks/allow-privilege-escalation.ts'
import { appArmorProfile } from './checks/app-armor-profile.ts'
import { capabilitiesBaseline } from './checks/capabilities-baseline.ts'
import { capabilitiesRestricted } from './checks/capabilities-restricted.ts'
import { hostNamespaces } from './checks/host-namespaces.ts'
import { hostPathVolumes } from './checks/host-path-volumes.ts'
import { hostPorts } from './checks/host-ports.ts'
import { hostProbesAndHostLifecycle } from './checks/host-probes-and-host-lifecycle.ts'
import { privileged } from './checks/privileged.ts'
import { procMount } from './checks/proc-mount.ts'
import { procMountRestricted } from './checks/proc-mount-restricted.ts'
import { restrictedVolumes } from './checks/restricted-volumes.ts'
import { runAsNonRoot } from './checks/run-as-non-root.ts'
import { runAsUser } from './checks/run-as-user.ts'
import { seLinuxOptions } from './checks/se-linux-options.ts'
import { seccompProfileBaseline } from './checks/seccomp-profile-baseline.ts'
import { seccompProfileRestricted } from './checks/seccomp-profile-restricted.ts'
import { sysctls } from './checks/sysctls.ts'
import { windowsHostProcess } from './checks/windows-host-process.ts'
import { type Level, type LevelVersion, minorOf } from './policy.ts'

/** The Pod Security Standards. Violations are told in this order (upstream's: baseline first, then by id). */
export const checks: readonly Check[] = [
  appArmorProfile,
  capabilitiesBaseline,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbesAndHostLifecycle,
  privileged,
  procMount,
  seLinuxOptions,
  seccompProfileBaseline,
  sysctls,
  windowsHostProcess,
  allowPrivilegeEscalation,
  capabilitiesRestricted,
  procMountRestricted,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  seccompProfileRestricted,
]

/** Finds everything in which a pod is not what the level asks for. */
export type FindViolations = (metadata: ObjectMeta, spec: PodSpec) => readonly Violation[]

/** The version since which nothing has changed. */
const NEWEST = Math.max(...checks.flatMap(({ versions }) => versions.map(({ since }) => since)))

const nothing: FindViolations = () => []
/** By level and version: no more than there are, however namespaces are labelled. */
const made = new Map<string, FindViolations>()

/** The checks of a level as they were in a version; versions that are not known yet are like the newest. */
export function checksOf({ level, version }: LevelVersion): FindViolations {
  if (level === 'privileged') return nothing
  const minor = Math.min(minorOf(version), NEWEST)
  const key = `${level} ${minor}`
  const known = made.get(key) ?? makeChecks(level, minor)
  made.set(key, known)
  return known
}

function makeChecks(level: Level, minor: number): FindViolations {
  const found: { readonly check: Check; readonly find: FindViolation }[] = []
  for (const check of checks) {
    const newest = check.versions.findLast(({ since }) => since <= minor)
    if (newest && (check.level === 'baseline' || level === 'restricted')) found.push({ check, find: newest.find })
  }
  const replaced = new Set(found.map(({ check }) => check.replaces))
  const asked = found.filter(({ check }) => !replaced.has(check.id))
  return (metadata, spec) => asked.flatMap(({ find }) => find(metadata, spec) ?? [])
}
