import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import type { ApiVersion, DeepPartial, KindOf, ObjectOf } from '../../shared/client/client.ts'
import type { FieldProblem } from '../../shared/errors/field-error.ts'
import type { KubeObject, ObjectName } from '../../shared/objects/object.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { AuditAnnotations } from '../audit/audit-trail.ts'
import type { User } from '../authn/user.ts'
import type { ObjectReader } from './object-reader.ts'

/** What hooks of a kind may use besides the object. */
export interface HookContext {
  readonly user: User
  readonly reader: ObjectReader
  readonly clock: Clock
  readonly random: Random
  readonly dryRun: boolean
  /** Sentences for the `Warning` header. */
  warn(sentence: string): void
  /** What the audit log is told besides; absent where it is told nothing. */
  readonly audit?: AuditAnnotations | undefined
}

/**
 * One printed column (meta/v1 TableColumnDefinition). Name, Age and the object are supplied by the machinery: Name first, Age after the
 * last column of priority 0; a kind that lists a column `Name` of its own gets neither.
 */
export interface Column<T> {
  name: string
  /** Default `string`. */
  type?: 'string' | 'integer' | 'number' | 'date' | 'boolean' | undefined
  /** OpenAPI's, of the type; default none. */
  format?: string | undefined
  /** 0 is shown always, what is above only by `-o wide`. */
  priority?: number | undefined
  description?: string | undefined
  /**
   * `now` is for ages; dates are returned as timestamps and turned into ages by the machinery where type is `date`. Null is an empty cell;
   * undefined the zero of the type.
   */
  value: (object: T, now: number) => string | number | bigint | boolean | undefined | null
}

/** Numbers that must be unique (cluster IPs, node ports) are taken before the object is stored, and given back if it is not. */
export interface Reservation {
  release(): void
}

/** What a sub-resource with a meaning of its own does; the machinery has authenticated and authorised. */
export interface SubresourceCall<T> {
  /** The parent object as stored; handlers that change it go through `update`. */
  readonly parent: T
  readonly body: unknown
  readonly query: URLSearchParams
  readonly context: HookContext
  /** Runs `change` on a copy of the newest stored parent inside the optimistic loop (admission, validation and storage included), and returns what was stored. */
  update(change: (parent: T) => void): Promise<T>
  /** The same for another object, as the server itself: neither admission nor validation are asked. Not in a dry run. @throws StatusError NotFound */
  updateOther<V extends ApiVersion, K extends KindOf<V>>(
    v: V,
    k: K,
    name: ObjectName,
    change: (object: ObjectOf<V, K>) => void,
  ): Promise<void>
  /** Deletes the parent with the given options, as the delete verb would. */
  remove(options: { gracePeriodSeconds?: number | undefined; preconditions?: { uid?: string | undefined } | undefined }): Promise<void>
}

/**
 * A further version of a kind: the same objects in other words. One version is stored, the one the kind's file defines; hooks see only that
 * one. Both directions are pure and must not share parts with what they were given.
 */
export interface FurtherVersion<T extends KubeObject = KubeObject> {
  readonly apiVersion: ApiVersion
  readonly kind: string
  /** From this version to the stored one; may leave out what decoding fills in. */
  toStored(object: KubeObject): T
  /** From the stored version to this one; may leave out what decoding fills in. */
  fromStored(object: T): KubeObject
  /** Selectable fields as this version calls them → as the stored one does; undefined: they have the same names. */
  readonly fieldNames?: Readonly<Record<string, string>> | undefined
  /** What this version asks of a new object besides the kind's own rules; of the object as it is stored. */
  createProblems?(object: T): Iterable<FieldProblem>
}

/** Declares a further version; its own type is known inside. */
export function furtherVersion<V extends ApiVersion, K extends KindOf<V>, T extends KubeObject>(
  apiVersion: V,
  kind: K,
  version: {
    toStored: (object: ObjectOf<V, K>) => DeepPartial<T>
    fromStored: (object: T) => DeepPartial<ObjectOf<V, K>>
  } & Pick<FurtherVersion<T>, 'fieldNames' | 'createProblems'>,
): FurtherVersion<T> {
  // The machinery decodes by the schema of each version before and after: the types are what the schemas say.
  return { apiVersion, kind, ...(version as unknown as Omit<FurtherVersion<T>, 'apiVersion' | 'kind'>) }
}

/** A POST-only sub-resource answered with an object or Status: binding, eviction, token, approval-like ones. */
export interface SubresourceAction<T> {
  /** Kind of the body in discovery: `Binding`, `Eviction`, `TokenRequest`. */
  readonly kind: { group: string; version: string; kind: string }
  /** As `Decodable.formerVersions`. */
  readonly formerVersions?: readonly string[] | undefined
  run(call: SubresourceCall<T>): Promise<object>
}

/**
 * Everything that is particular to one kind. All hooks are optional and pure unless they say otherwise; the order in
 * which they run is in registry/write-object.ts. Shapes (types, required, merge keys, list keys) come from shared/openapi.
 */
export interface ResourceHooks<T extends KubeObject> {
  shortNames?: readonly string[] | undefined
  /** Versions that the kind is served in besides the stored one. */
  alsoServed?: readonly FurtherVersion<T>[] | undefined
  /** e.g. `all`. */
  categories?: readonly string[] | undefined
  columns?: readonly Column<T>[] | undefined
  /** Selectable fields besides metadata.name and metadata.namespace. */
  selectableFields?: Readonly<Record<string, (object: T) => string>> | undefined
  /** Overrides the verbs that the schema facts give, e.g. create-only kinds. */
  verbs?: readonly string[] | undefined
  /** Relaxed kinds (Lease, Event) are acknowledged before the disk has them. */
  durability?: 'synced' | 'relaxed' | undefined
  /** Seconds after the last write at which the object removes itself (Events); undefined: never. */
  timeToLiveSeconds?: number | undefined
  /** Whether `metadata.generation` counts changes of everything but metadata and status. Default: true for kinds with spec and status. */
  generation?: boolean | undefined
  /** A creator may say the status (nodes register with it); default: it is emptied. */
  keepsStatusOnCreate?: boolean | undefined
  /**
   * What of the metadata a write of the status may change besides the status, as upstream's status strategy of the kind lets it.
   * Default: nothing, which upstream does for newer kinds and custom resources.
   */
  statusMetadata?: readonly ('labels' | 'annotations' | 'finalizers' | 'ownerReferences')[] | undefined
  /** Name rule: default DNS subdomain. */
  validateName?: ((name: string) => string | undefined) | undefined

  /** Fills in defaults; runs on create, update and patch, after decoding, before admission; again after mutating admission. Edits in place. */
  applyDefaults?: ((object: T, context: HookContext) => void) | undefined
  /** Strategy: what a creator may not set (status and generation are cleared by the machinery). Edits in place. */
  prepareForCreate?: ((object: T, context: HookContext) => void) | undefined
  /** Strategy: what an updater may not change silently (status is kept by the machinery). Edits `next` in place. */
  prepareForUpdate?: ((next: T, previous: T, context: HookContext) => void) | undefined
  /** Strategy: what a writer of the status may not change silently in it. Edits `next` in place. */
  prepareForStatusUpdate?: ((next: T, previous: T, context: HookContext) => void) | undefined
  validate?: ((object: T) => Iterable<FieldProblem>) | undefined
  /** In addition to `validate(object)` of a new object. */
  validateCreate?: ((object: T) => Iterable<FieldProblem>) | undefined
  /** In addition to `validate(next)`. */
  validateUpdate?: ((next: T, previous: T) => Iterable<FieldProblem>) | undefined
  validateStatusUpdate?: ((next: T, previous: T) => Iterable<FieldProblem>) | undefined
  /** Sentences for the Warning header on create and update. */
  warnings?: ((object: T) => Iterable<string>) | undefined
  /** After validation, before storage, not in dry run: takes unique numbers and writes them into the object. `previous` is undefined on create. @throws StatusError Invalid. */
  reserve?: ((next: T, previous: T | undefined, context: HookContext) => Reservation | undefined) | undefined

  /**
   * What of the object no other may have, as `<sort>/<name>` (`node-ports/TCP-30080`). Memory decides it, in `reserve` of the kind or of an
   * admission rule; where several servers write to one store, the store too. Pure.
   */
  claims?: ((object: T) => readonly string[]) | undefined
  /** Whether a `reserve` may let an object have what another claims (a node that is not alive). Default: false. */
  yieldsClaims?: boolean | undefined

  /**
   * Objects of other kinds that come and go with this one, whole but for what every new object is given: written and removed by the server itself,
   * in one commit with this one (the IPAddresses of a Service). Needs a keeper that repairs what a crash leaves half (`bootstrap/address-keeper.ts`). Pure.
   */
  companions?: ((object: T) => readonly KubeObject[]) | undefined

  /** Delete: the grace period in seconds to store; 0 or undefined removes at once (unless finalizers hold it). */
  gracePeriodSeconds?: ((object: T, asked: number | undefined) => number) | undefined
  /** Delete: refuses by throwing (the namespaces that must exist). */
  mayDelete?: ((object: T, context: HookContext) => void) | undefined
  /** Delete: edits the object as it is marked for deletion (a namespace's phase becomes Terminating). */
  prepareForDelete?: ((next: T) => void) | undefined
  /** True while the object must outlive its deletion although no finalizer in metadata holds it (a namespace's spec.finalizers). */
  holdsDeletion?: ((object: T) => boolean) | undefined
  /** What happens to dependents when a delete does not say; default: they go in the background. */
  defaultPropagation?: 'Orphan' | undefined
  /** A finished delete answers the object instead of a Status (pods, services, service accounts, claims, volumes, quotas, pod templates). */
  answersDeletedObject?: boolean | undefined
  /** PUT of a name that is not there creates it (endpoints, events, leases). */
  createsOnUpdate?: boolean | undefined
  /** PUT without metadata.resourceVersion is refused ; default: allowed, the newest state is replaced. */
  requiresResourceVersion?: boolean | undefined

  /** Scale sub-resource. */
  scale?:
    | {
        specReplicas: (object: T) => number
        setSpecReplicas: (object: T, replicas: number) => void
        statusReplicas: (object: T) => number
        /** Selector as text. */
        selector: (object: T) => string
      }
    | undefined
  /** Sub-resources that PUT/PATCH/GET the parent in a restricted way: name → keeps of `next` only what that sub-resource may change. `status` is built in. */
  views?:
    | Readonly<
        Record<
          string,
          { restrict: (next: T, previous: T, context: HookContext) => void; validate?: (next: T, previous: T) => Iterable<FieldProblem> }
        >
      >
    | undefined
  actions?: Readonly<Record<string, SubresourceAction<T>>> | undefined
  /** Sub-resources with streams (log, exec, attach, portforward, proxy): served by connect/, listed here for discovery. */
  connects?: readonly string[] | undefined
  /** Create-only kinds that are answered and never stored (TokenReview, SubjectAccessReview). Async, may read and sign. */
  answer?: ((object: T, context: HookContext) => Promise<T> | T) | undefined
  /**
   * Read-only kinds that are not stored but made from the objects of another kind when somebody asks (metrics). Names, namespaces and labels
   * are the originals'; an original from which nothing can be made is left out.
   */
  derived?:
    | { readonly apiVersion: ApiVersion; readonly kind: string; readonly derive: (originals: readonly KubeObject[]) => Promise<T[]> }
    | undefined
}

/** A kind made from another's objects, which the machinery hands over as that kind's. */
export function derivedFrom<V extends ApiVersion, K extends KindOf<V>, T extends KubeObject>(
  apiVersion: V,
  kind: K,
  derive: (originals: readonly ObjectOf<V, K>[]) => Promise<T[]>,
): NonNullable<ResourceHooks<T>['derived']> {
  return { apiVersion, kind, derive: (originals) => derive(originals as ObjectOf<V, K>[]) }
}

/** What nodes and pods use now. Those of which nothing is known are left out. */
export interface ResourceUsage {
  ofNodes(nodes: readonly ObjectOf<'v1', 'Node'>[]): Promise<ObjectOf<'metrics.k8s.io/v1beta1', 'NodeMetrics'>[]>
  ofPods(pods: readonly ObjectOf<'v1', 'Pod'>[]): Promise<ObjectOf<'metrics.k8s.io/v1beta1', 'PodMetrics'>[]>
}

/** A definition ready to be served; facts looked up and hooks attached. */
export interface ResourceDefinition<T extends KubeObject = KubeObject> {
  readonly apiVersion: string
  readonly kind: string
  readonly hooks: ResourceHooks<T>
}

/**
 * Declares a kind; the default export of its one file in apiserver/resources. An unknown kind or version does not compile.
 * A kind that needs services (signing keys, allocators, authorisers) exports a function of `ResourceServices` instead.
 */
export function defineResource<V extends ApiVersion, K extends KindOf<V>>(
  apiVersion: V,
  kind: K,
  hooks: ResourceHooks<ObjectOf<V, K>> = {},
): ResourceDefinition<ObjectOf<V, K>> {
  return { apiVersion, kind, hooks }
}

/** What some kinds are built with; see create-apiserver.ts. */
export interface ResourceServices {
  readonly clusterIPs: {
    /** What the cluster has, the primary one first. */
    readonly families: readonly IpFamily[]
    take(family: IpFamily, wanted: string | undefined): string
    release(address: string): void
  }
  readonly nodePorts: {
    take(wanted: number | undefined, protocol: string): number
    release(port: number, protocol: string): void
    range: { first: number; last: number }
  }
  readonly tokens: {
    /** Signs a service-account token; returns the JWT and its expiry in milliseconds since the epoch. */
    issue(request: TokenIssue): Promise<{ token: string; expires: number }>
    /** Answers the user of a token, or throws StatusError Unauthorized. */
    review(token: string, audiences: readonly string[]): Promise<{ user: User; audiences: readonly string[] }>
  }
  readonly authorize: (attributes: import('../authz/authorizer.ts').AccessAttributes) => import('../authz/authorizer.ts').AccessDecision
  readonly rulesFor: (user: User, namespace: string) => { resourceRules: object[]; nonResourceRules: object[] }
  /** Nobody hands out more rights than they hold: called by roles and bindings before they are stored (`prepareForCreate`, `prepareForUpdate`). */
  readonly grants: import('../authz/escalation.ts').Grants
  readonly usage: ResourceUsage
}

export interface TokenIssue {
  namespace: string
  serviceAccount: { name: string; uid: string }
  audiences: readonly string[]
  expirationSeconds: number
  boundObject?: { kind: 'Pod' | 'Node' | 'Secret'; name: string; uid: string } | undefined
  /** For a bound pod: the node it runs on. */
  node?: { name: string; uid: string } | undefined
}

/** The module shape that resources/load.ts accepts. */
export type ResourceModule = ResourceDefinition | ((services: ResourceServices) => ResourceDefinition)

/** A partial object, for rules that construct or compare. */
export type Partially<T> = DeepPartial<T>
