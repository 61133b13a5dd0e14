import type { FieldSelector } from '../../shared/selectors/field-selector.ts'
import type { User } from '../authn/user.ts'

/** The question: may this user do this (authorization.k8s.io attributes). */
export interface AccessAttributes {
  readonly user: User
  /** `get list watch create update patch delete deletecollection`, `impersonate`, or the lower-case HTTP method for non-resource paths. */
  readonly verb: string
  readonly group: string
  readonly version: string
  /** Plural; empty for non-resource requests. */
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  /** The URL path of a non-resource request; undefined for resource requests. */
  readonly path?: string | undefined
  /** What a list or watch selects, for the node authoriser: the very selector that will be applied. */
  readonly fields?: FieldSelector | undefined
}

/** `noOpinion` asks the next authoriser; when none allows, the answer is Forbidden and carries the reasons. */
export interface AccessDecision {
  readonly decision: 'allow' | 'deny' | 'noOpinion'
  readonly reason: string
}

export interface Authorizer {
  readonly name: string
  authorize(attributes: AccessAttributes): AccessDecision
}
