import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { ResourceQuota } from '../../shared/openapi/generated/core-v1.ts'
import { systemGroup, systemUser } from '../authn/system-names.ts'
import type { User } from '../authn/user.ts'
import { asKind } from '../registry/as-kind.ts'
import type { ResourceTable } from '../registry/resource-table.ts'
import type { ObjectWriter } from '../registry/write-object.ts'
import type { WriteRequest } from '../registry/write-request.ts'

/** Where usage is written: the status of quotas, by compare-and-swap, so that several API servers may share it. */
export interface QuotaBook {
  /**
   * Changes the newest state of one quota's status; called again when another writer was faster. A quota that is gone has nothing to say.
   * @throws what `change` throws
   */
  write(quota: { namespace: string; name: string; uid: string }, change: (newest: ResourceQuota) => ResourceQuota['status']): Promise<void>
  /** For what cannot be written just now: the controller that recounts will. */
  readonly log: Logger
}

const SELF: User = { name: systemUser.apiserver, groups: [systemGroup.masters, systemGroup.authenticated] }

/** The book of a server; asked for its writer only when something is written. */
export function quotaBook({ table, writer, log }: { table: ResourceTable; writer: () => ObjectWriter; log: Logger }): QuotaBook {
  return {
    log,
    async write({ namespace, name, uid }, change) {
      const resource = table.ofKind('v1', 'ResourceQuota')
      if (!resource) return
      const request: WriteRequest = { resource, namespace, name, subresource: 'status', user: SELF, dryRun: false, warn() {} }
      try {
        await writer().update(request, { kind: 'internal' }, (previous) => {
          const quota = asKind(structuredClone(previous), 'v1', 'ResourceQuota')
          // Another quota of that name counts from its own beginning.
          if (quota && quota.metadata.uid === uid) quota.status = change(quota)
          return quota ?? previous
        })
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    },
  }
}
