import type { AuditAnnotations } from '../audit/audit-trail.ts'
import type { User } from '../authn/user.ts'
import type { Author } from '../ownership/track-write.ts'
import type { FurtherVersion } from './define-resource.ts'
import type { Resource } from './resource-table.ts'

/** What is remembered of a request that wrote, for who looks under the hood. */
export interface WriteOrigin {
  readonly verb: string
  readonly allowedBy: string
  /** What its sender says made it write. */
  readonly cause: string | undefined
}

/** A write that has been authenticated and authorised. */
export interface WriteRequest {
  readonly resource: Resource
  /** Who is put on record for it; undefined: the server itself. */
  readonly author?: Author | undefined
  /** The version that was spoken, where it is not the stored one. */
  readonly version?: FurtherVersion | undefined
  /** The resource in the version that was spoken; absent where that is the stored one. */
  readonly spoken?: Resource | undefined
  /** The options of the request as its own kind (CreateOptions…), for those who are told of it. */
  readonly options?: (() => object) | undefined
  readonly namespace: string
  /** Empty for create. */
  readonly name: string
  readonly subresource: string
  readonly user: User
  readonly dryRun: boolean
  /** Whether an update names the resourceVersion that it changes. */
  readonly isConditional?: boolean
  /** The request that it came with; absent where the server itself writes. */
  readonly origin?: WriteOrigin | undefined
  warn(sentence: string): void
  /** What the audit log is told of it; absent where it is told nothing. */
  readonly audit?: AuditAnnotations | undefined
}
