/** In which order clients look at groups and their versions. Higher is first. */
export interface Priorities {
  /** `spec.groupPriorityMinimum` of an APIService. */
  readonly group: number
  /** `spec.versionPriority`. */
  readonly version: number
}

/** As upstream's API server says them of its own groups: a word that two groups have (`events`) means the same for everybody. */
const BUILT_IN: ReadonlyMap<string, number> = new Map([
  ['apiregistration.k8s.io', 20_000],
  ['', 18_000],
  ['apps', 17_800],
  ['events.k8s.io', 17_750],
  ['authentication.k8s.io', 17_700],
  ['authorization.k8s.io', 17_600],
  ['autoscaling', 17_500],
  ['batch', 17_400],
  ['certificates.k8s.io', 17_300],
  ['networking.k8s.io', 17_200],
  ['policy', 17_100],
  ['rbac.authorization.k8s.io', 17_000],
  ['storage.k8s.io', 16_800],
  ['apiextensions.k8s.io', 16_700],
  ['admissionregistration.k8s.io', 16_700],
  ['scheduling.k8s.io', 16_600],
  ['coordination.k8s.io', 16_500],
  ['node.k8s.io', 16_300],
  ['discovery.k8s.io', 16_200],
  ['flowcontrol.apiserver.k8s.io', 16_100],
  ['resource.k8s.io', 15_900],
])

/** Versions of built-in groups that are not at 15. */
const VERSIONS: ReadonlyMap<string, number> = new Map([
  ['v1', 1],
  ['autoscaling/v2', 30],
  ['flowcontrol.apiserver.k8s.io/v1', 21],
])

/** Of a custom kind's group; its versions are told apart by their names. */
const CUSTOM: Priorities = { group: 1000, version: 100 }
/** Of groups that upstream does not serve itself: as metrics-server says it of `metrics.k8s.io`. */
const EXTENSION: Priorities = { group: 100, version: 100 }

/** @param isCustom whether its kinds were defined at run time */
export function prioritiesOf(group: string, apiVersion: string, isCustom: boolean): Priorities {
  if (isCustom) return CUSTOM
  const known = BUILT_IN.get(group)
  return known === undefined ? EXTENSION : { group: known, version: VERSIONS.get(apiVersion) ?? 15 }
}
