import type { ResourceServices } from '../registry/define-resource.ts'
import type { AdmissionRule } from './admission.ts'
import { certificateRequests } from './certificate-requests.ts'
import { claimResize } from './claim-resize.ts'
import { type ClusterFacts, ownedByCluster } from './cluster-facts.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerations } from './default-tolerations.ts'
import { externalAddresses } from './external-addresses.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeAddresses } from './node-addresses.ts'
import { NodeClaims } from './node-claims.ts'
import { nodePodRanges } from './node-pod-ranges.ts'
import { nodeRestriction } from './node-restriction.ts'
import { type PodSecurityOptions, podSecurity } from './pod-security/pod-security.ts'
import { mutatingPolicies } from './policies/mutating-policies.ts'
import { paramRights } from './policies/param-rights.ts'
import { validatingPolicies } from './policies/validating-policies.ts'
import { priority } from './priority.ts'
import type { QuotaBook } from './quota-book.ts'
import { resourceQuota } from './resource-quota.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccount } from './service-account.ts'
import { storageObjectInUse } from './storage-object-in-use.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'
import { volumeAttachments } from './volume-attachments.ts'
import { mutatingWebhooks } from './webhooks/mutating-webhooks.ts'
import { validatingWebhooks } from './webhooks/validating-webhooks.ts'
import type { WebhookTools } from './webhooks/webhook-tools.ts'

export interface AdmissionOptions {
  readonly cluster: ClusterFacts
  readonly authorize: ResourceServices['authorize']
  readonly quotas: QuotaBook
  readonly podSecurity: PodSecurityOptions
  /** Seconds that Pods tolerate a node that is not ready or unreachable; default 300. */
  readonly tolerationSeconds?: number | undefined
  /** Absent: webhooks and policies are not asked. */
  readonly webhooks?: WebhookTools | undefined
}

/**
 * The policy: which rules, in which order (upstream's). All mutating halves run first, in this order, then the validating
 * halves; registry/write-object.ts runs them.
 */
export function admissionRules(options: AdmissionOptions): readonly AdmissionRule[] {
  const { authorize, tolerationSeconds, cluster, quotas, webhooks } = options
  const owner = ownedByCluster(cluster)
  const claims = new NodeClaims()
  return [
    namespaceLifecycle,
    limitRanger,
    serviceAccount,
    nodeRestriction({ owner, claims }),
    nodeAddresses(cluster, claims),
    nodePodRanges(cluster, claims),
    externalAddresses(cluster, claims),
    taintNodesByCondition,
    podSecurity(options.podSecurity),
    priority,
    defaultTolerations(tolerationSeconds),
    defaultStorageClass,
    storageObjectInUse,
    claimResize,
    volumeAttachments(),
    runtimeClass,
    certificateRequests(authorize, owner),
    defaultIngressClass,
    ...(webhooks ? rulesOfStrangers(webhooks, authorize) : []),
    // Last: what another rule refuses is not charged.
    resourceQuota(quotas),
  ]
}

/** What users and their servers say, and whose parameters they may look at to say it. */
function rulesOfStrangers(webhooks: WebhookTools, authorize: ResourceServices['authorize']): readonly AdmissionRule[] {
  const { table, self } = webhooks
  return [
    paramRights({ table, authorize }),
    mutatingPolicies({ table, authorize, self }),
    mutatingWebhooks(webhooks),
    validatingPolicies({ table, authorize }),
    validatingWebhooks(webhooks),
  ]
}
