import type { KubeObject } from '../../shared/objects/object.ts'
import { type CopiedKind, nameOf } from './copy-cluster.ts'
import { type Placements, placementsOf } from './placements.ts'
import { type Budget, budgetsOf, type Complaint, complaintsOf, type NodeChange, nodesOf, type Quota, quotasOf } from './surroundings.ts'

/** What became of a cluster, compared with its beginning. This is the JSON that is printed. */
export interface Forecast extends Placements {
  /** Of the copy; the time is the live server's. */
  readonly moment: { readonly revision: string; readonly time: string }
  /** On the fork's clock. */
  readonly passedSeconds: number
  /** What was done meanwhile. */
  readonly done: readonly string[]
  /** Nodes of which something is different. */
  readonly nodes: readonly NodeChange[]
  /** Disruption budgets that changed or allow nothing. */
  readonly budgets: readonly Budget[]
  /** Quotas of which something is used up, or is used otherwise than before. */
  readonly quotas: readonly Quota[]
  /** Warnings since the beginning, in the words of who gave them. */
  readonly complaints: readonly Complaint[]
  /** Objects, but for pods, that were made or removed, as `kind namespace/name`. */
  readonly created: readonly string[]
  readonly deleted: readonly string[]
  /** What is taken to be so. */
  readonly assumptions: readonly string[]
  /** What of the copy is not as it is in the live cluster. */
  readonly changed: readonly string[]
  /** What the person may not read, or could not. */
  readonly leftOut: readonly string[]
}

export type Changes = Omit<Forecast, 'moment' | 'passedSeconds' | 'done' | 'assumptions' | 'changed' | 'leftOut'>

/** Kinds of which nobody asks what became: they follow from others, or are how components talk. */
const SILENT: ReadonlySet<string> = new Set([
  ...['pods', 'events', 'endpoints', 'leases.coordination.k8s.io', 'endpointslices.discovery.k8s.io', 'controllerrevisions.apps'],
  ...['ipaddresses.networking.k8s.io', 'certificatesigningrequests.certificates.k8s.io', 'secrets', 'configmaps'],
  ...['serviceaccounts', 'clusterroles.rbac.authorization.k8s.io', 'clusterrolebindings.rbac.authorization.k8s.io'],
  ...['roles.rbac.authorization.k8s.io', 'rolebindings.rbac.authorization.k8s.io', 'flowschemas.flowcontrol.apiserver.k8s.io'],
  ...['prioritylevelconfigurations.flowcontrol.apiserver.k8s.io', 'apiservices.apiregistration.k8s.io'],
])

/** Compares two states of one cluster. @param since the revision of the earlier one */
export function forecastOf(before: readonly CopiedKind[], after: readonly CopiedKind[], since: number): Changes {
  return {
    ...placementsOf(before, after),
    nodes: nodesOf(before, after),
    budgets: budgetsOf(before, after),
    quotas: quotasOf(before, after),
    complaints: complaintsOf(after, since),
    created: onlyIn(after, before),
    deleted: onlyIn(before, after),
  }
}

function onlyIn(one: readonly CopiedKind[], other: readonly CopiedKind[]): string[] {
  const known = new Set(other.flatMap((kind) => kind.objects.map((object) => idOf(kind, object))))
  return one
    .filter((kind) => !SILENT.has(nameOf(kind)))
    .flatMap((kind) => kind.objects.filter((object) => !known.has(idOf(kind, object))).map((object) => shownName(kind.kind, object)))
}

const idOf = (kind: CopiedKind, { metadata }: KubeObject) => `${nameOf(kind)}/${metadata.namespace ?? ''}/${metadata.name}`

/** `Deployment shop/web`, `Node node-1`. */
export function shownName(kind: string, { metadata }: { metadata: { namespace?: string | undefined; name?: string | undefined } }): string {
  return `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`
}
