import type { APIService } from '../../shared/openapi/generated/apiregistration-v1.ts'
import type { Resource } from '../registry/resource-table.ts'
import { prioritiesOf } from './group-priorities.ts'

export const API = 'apiregistration.k8s.io/v1'
export const KIND = 'APIService'
/** Who wrote an APIService: without it, people did. Upstream's autoregistration has the same. */
export const MANAGED = 'kube-aggregator.kubernetes.io/automanaged'

/** `onstart`: made right when the server starts, and people's from then on. `true`: kept right for as long as the kind is there. */
export type Managed = 'onstart' | 'true'

/** An APIService that says of a group's version that this server serves it. */
export interface LocalService {
  readonly name: string
  readonly managed: Managed
  readonly spec: APIService['spec']
}

/** What this server says of itself: one for each group's version that it serves, but for that of APIServices themselves, as upstream. By name. */
export function localServices(resources: Iterable<Resource>): Map<string, LocalService> {
  const found = new Map<string, LocalService>()
  for (const { group, version, apiVersion, custom } of resources) {
    const name = `${version}.${group}`
    if (apiVersion === API || found.has(name)) continue
    const priorities = prioritiesOf(group, apiVersion, custom !== undefined)
    const spec = { version, groupPriorityMinimum: priorities.group, versionPriority: priorities.version }
    found.set(name, { name, managed: custom ? 'true' : 'onstart', spec: group === '' ? spec : { ...spec, group } })
  }
  return found
}

/** Groups that this server serves only until somebody brings a server of their own: theirs stays. */
const GIVEN_UP_FOR_OTHERS = new Set(['metrics.k8s.io'])

/** What is to be done about one name. */
export type Repair = 'make' | 'correct' | 'remove' | 'nothing'

/** Upstream's rules of autoregistration. @param isStart whether the server starts just now */
export function repairOf(wanted: LocalService | undefined, present: APIService | undefined, isStart: boolean): Repair {
  const managed = present?.metadata.labels?.[MANAGED]
  if (!present) return wanted && (isStart || wanted.managed === 'true') ? 'make' : 'nothing'
  if (managed !== 'true' && managed !== 'onstart') return 'nothing'
  if (managed === 'onstart' && !isStart) return 'nothing'
  if (!wanted) return 'remove'
  const { spec } = present
  if (spec.service && GIVEN_UP_FOR_OTHERS.has(spec.group ?? '')) return 'nothing'
  return managed === wanted.managed && isSame(wanted.spec, spec) ? 'nothing' : 'correct'
}

function isSame(wanted: APIService['spec'], spec: APIService['spec']): boolean {
  const isPlain = !spec.service && !spec.caBundle && !spec.insecureSkipTLSVerify
  return isPlain && spec.groupPriorityMinimum === wanted.groupPriorityMinimum && spec.versionPriority === wanted.versionPriority
}
