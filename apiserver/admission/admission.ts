import type { KubeObject } from '../../shared/objects/object.ts'
import type { User } from '../authn/user.ts'
import type { HookContext, ResourceDefinition } from '../registry/define-resource.ts'
import type { Resource } from '../registry/resource-table.ts'
import type { Undo } from '../registry/undo.ts'

/** What an admission rule is asked about. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly definition: ResourceDefinition
  readonly group: string
  readonly version: string
  /** Plural. */
  readonly resource: string
  /** The resource in the version that the client spoke; absent where that is the stored one. */
  readonly spoken?: Resource | undefined
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly user: User
  /** The new state; mutating rules edit it in place. Undefined for DELETE and CONNECT. */
  readonly object: KubeObject | undefined
  /** The stored state; undefined for CREATE. Frozen. */
  readonly previous: KubeObject | undefined
  readonly dryRun: boolean
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions of the request; absent for what the server does itself. */
  readonly options?: (() => object) | undefined
  readonly context: HookContext
  /** Says how to take back what a validating rule took for this write (a charge to a quota), should it fail. Called for writes that store something. */
  onFailure(undo: Undo): void
}

/**
 * What a mutating rule answers that asked strangers. When any of them has changed the object, all rules run once more, and in place of such a
 * rule's `mutate` its `again`.
 */
export interface StrangersTurn {
  readonly hasChanged: boolean
  readonly again: () => void | Promise<void>
}

/**
 * One rule. The order is the list in admit.ts: all `mutate`, then defaults and schema again, then all `validate`, then all `reserve`.
 * @throws StatusError (usually Forbidden) to refuse.
 */
export interface AdmissionRule {
  readonly name: string
  readonly mutate?: (request: AdmissionRequest) => void | Promise<StrangersTurn | undefined | void>
  readonly validate?: (request: AdmissionRequest) => void | Promise<void>
  /**
   * Right before the object is stored, not in a dry run: looks again at what must be nobody else's, and keeps it from all writes that come
   * after, until what it answers is called, when the write is stored or has failed. Nothing else happens between this and the write, so of
   * two that are both valid one is refused.
   */
  readonly reserve?: (request: AdmissionRequest) => (() => void) | undefined
}
