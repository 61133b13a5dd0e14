import type { CallOptions, Client } from '../../shared/client/client.ts'
import type { Informer, Informers, Lookups } from '../../shared/informer/informer.ts'
import type { KubeObject, ObjectName } from '../../shared/objects/object.ts'
import type { ReplicaSetStatus } from '../../shared/openapi/generated/apps-v1.ts'
import type { PodTemplateSpec } from '../../shared/openapi/generated/core-v1.ts'
import type { LabelSelector } from '../../shared/selectors/label-selector.ts'

/** What a ReplicaSet and a ReplicationController have in common: a number of equal pods. */
export interface ReplicaOwner extends KubeObject {
  readonly spec: {
    readonly replicas?: number | undefined
    readonly minReadySeconds?: number | undefined
    readonly template?: PodTemplateSpec | undefined
  }
  readonly status: ReplicaSetStatus
}

/** What is particular to one such kind. */
export interface ReplicaKind<T extends ReplicaOwner> {
  readonly kind: string
  /** Whether the status has a place for pods that are ending. */
  readonly countsTerminating: boolean
  informer(informers: Informers, lookups: Lookups<T>): Informer<T>
  selectorOf(owner: T): LabelSelector
  /** The owner as the server has it now. */
  fresh(client: Client, name: ObjectName, options: CallOptions): Promise<T>
  writeStatus(client: Client, owner: T, status: ReplicaSetStatus, options: CallOptions): Promise<unknown>
}
