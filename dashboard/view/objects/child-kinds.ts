import type { Kind } from '../cluster/kind.ts'
import { isBuiltIn } from '../page/sections.ts'

/** What the cluster's own controllers make of which kind: group and plural. */
const CHILDREN: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  Deployment: [['apps', 'replicasets']],
  ReplicaSet: [['', 'pods']],
  StatefulSet: [
    ['', 'pods'],
    ['apps', 'controllerrevisions'],
  ],
  DaemonSet: [
    ['', 'pods'],
    ['apps', 'controllerrevisions'],
  ],
  ReplicationController: [['', 'pods']],
  CronJob: [['batch', 'jobs']],
  Job: [['', 'pods']],
  Service: [['discovery.k8s.io', 'endpointslices']],
}

/** What operators usually make for kinds of their own. */
const OF_CUSTOM: readonly (readonly [string, string])[] = [
  ['apps', 'deployments'],
  ['apps', 'statefulsets'],
  ['batch', 'jobs'],
  ['', 'services'],
  ['', 'configmaps'],
  ['', 'pods'],
]

/** Kinds among whose objects those of an owner are looked for. */
export function childKindsOf(kind: Kind): readonly (readonly [string, string])[] {
  return isBuiltIn(kind) ? (CHILDREN[kind.kind] ?? []) : OF_CUSTOM
}
