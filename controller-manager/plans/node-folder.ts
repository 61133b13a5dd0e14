import type { Draft } from '../../shared/client/client.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import type { StorageClass } from '../../shared/openapi/generated/storage-v1.ts'
import {
  BOUND_BY_CONTROLLER,
  FOLDERS_OF_NODE,
  NODE_FOLDER,
  NODE_OF_FOLDER,
  PROVISIONED_BY,
  SELECTED_NODE,
} from '../../shared/volumes/annotations.ts'

const HOSTNAME = 'kubernetes.io/hostname'

/** A volume to be made, or why there is none; `elsewhere`: not on this node, the scheduler should choose again. */
export type FolderPlan = { readonly volume: Draft<PersistentVolume> } | { readonly refusal: string; readonly elsewhere: boolean }

/** The volume that the built-in provisioner makes for a claim: a folder of the selected node, named after the claim. Pure. */
export function planFolder(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  nodeOf: (name: string) => Node | undefined,
): FolderPlan {
  const never = (refusal: string): FolderPlan => ({ refusal, elsewhere: false })
  const { metadata, spec } = claim
  if (spec.volumeMode === 'Block') return never('a folder cannot be a block device: volumeMode must be Filesystem')
  const shared = (spec.accessModes ?? []).filter((mode) => mode !== 'ReadWriteOnce' && mode !== 'ReadWriteOncePod')
  if (shared.length > 0)
    return never(`a folder of one node supports ReadWriteOnce and ReadWriteOncePod only, the claim asks for ${shared.join(', ')}`)
  if (spec.selector) return never('claim.spec.selector is not supported by this provisioner')
  if (spec.dataSourceRef || spec.dataSource)
    return never(`plugin ${JSON.stringify(NODE_FOLDER)} is not a CSI plugin. Only CSI plugin can provision a claim with a datasource`)
  const nodeName = metadata.annotations?.[SELECTED_NODE]
  if (nodeName === undefined) {
    const name = JSON.stringify(storageClass.metadata.name)
    return never(`StorageClass ${name} must have volumeBindingMode WaitForFirstConsumer: the folder is made on the node of the first pod`)
  }
  const node = nodeOf(nodeName)
  if (!node) return { refusal: `node ${JSON.stringify(nodeName)} is gone`, elsewhere: true }
  const folders = node.metadata.annotations?.[FOLDERS_OF_NODE]
  const hostname = node.metadata.labels?.[HOSTNAME]
  if (!folders?.startsWith('/') || !hostname) {
    return { refusal: `node ${JSON.stringify(nodeName)} keeps no folders for volumes (annotation ${FOLDERS_OF_NODE})`, elsewhere: true }
  }
  const name = `pvc-${metadata.uid}`
  return {
    volume: {
      metadata: { name, annotations: { [PROVISIONED_BY]: NODE_FOLDER, [NODE_OF_FOLDER]: nodeName, [BOUND_BY_CONTROLLER]: 'yes' } },
      spec: {
        capacity: { storage: spec.resources.requests?.['storage'] },
        ...{ accessModes: spec.accessModes, volumeMode: 'Filesystem', storageClassName: storageClass.metadata.name },
        persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
        local: { path: `${folders.replace(/\/+$/, '')}/${name}` },
        nodeAffinity: {
          required: { nodeSelectorTerms: [{ matchExpressions: [{ key: HOSTNAME, operator: 'In', values: [hostname] }] }] },
        },
        claimRef: {
          ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', resourceVersion: metadata.resourceVersion },
          ...{ namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
        },
      },
    },
  }
}
