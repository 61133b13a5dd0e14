import type { StatefulSet } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod, PodTemplateSpec, Volume } from '../../shared/openapi/generated/core-v1.ts'
import { REVISION_LABEL } from '../pods/revision-label.ts'

export const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name'
export const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index'

/** The first ordinal of a set. */
export function startOf({ spec }: StatefulSet): number {
  return spec.ordinals?.start ?? 0
}

/** The number in the name of a set's pod; undefined for a pod that only its labels make one of the set's. */
export function ordinalOf({ metadata }: StatefulSet, pod: Pod): number | undefined {
  const [, parent, digits] = /^(.*)-([0-9]+)$/.exec(pod.metadata.name ?? '') ?? []
  const ordinal = Number(digits)
  // `web-01` is none of ours: the name that we would give is another one.
  return parent === metadata.name && String(ordinal) === digits && ordinal < 2 ** 31 ? ordinal : undefined
}

export function isInRange(set: StatefulSet, ordinal: number): boolean {
  return ordinal >= startOf(set) && ordinal < startOf(set) + (set.spec.replicas ?? 1)
}

export function podNameOf({ metadata }: StatefulSet, ordinal: number): string {
  return `${metadata.name}-${ordinal}`
}

export function claimNameOf(set: StatefulSet, template: string, ordinal: number): string {
  return `${template}-${podNameOf(set, ordinal)}`
}

/** The labels by which one pod of a set is found. */
export function identityLabels(set: StatefulSet, ordinal: number): Record<string, string> {
  return { [POD_NAME_LABEL]: podNameOf(set, ordinal), [POD_INDEX_LABEL]: String(ordinal) }
}

/** The template of one pod of a set: its place in the row, its name in the network, its own volumes. Pure. */
export function statefulTemplate(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): PodTemplateSpec {
  const claims: Volume[] = (set.spec.volumeClaimTemplates ?? []).map(({ metadata: { name = '' } }) => ({
    name,
    persistentVolumeClaim: { claimName: claimNameOf(set, name, ordinal) },
  }))
  const names = new Set(claims.map(({ name }) => name))
  const volumes = [...claims, ...(template.spec.volumes ?? []).filter(({ name }) => !names.has(name))]
  const labels = { ...template.metadata.labels, ...identityLabels(set, ordinal), [REVISION_LABEL]: revision }
  const spec = {
    ...template.spec,
    hostname: podNameOf(set, ordinal),
    subdomain: set.spec.serviceName || template.spec.subdomain,
    ...(volumes.length > 0 ? { volumes } : {}),
  }
  return { ...template, metadata: { ...template.metadata, labels }, spec }
}
