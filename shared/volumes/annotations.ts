/** Words that binder, scheduler, provisioners and kubelets leave on claims and volumes for each other; all but those of the built-in provisioner are upstream's. */

/** The claim was bound once: from now on a missing volume means lost data, not a wait. */
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed'
/** This half of the binding was the binder's idea, not a person's: it may be taken back. */
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller'
/** On a claim that waits for its first consumer: the node where the consumer will run. */
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
/** On a volume: who made it, and will delete it. */
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'
/** On a claim: who is asked to make its volume. External provisioners look at either. */
export const STORAGE_PROVISIONERS = ['volume.kubernetes.io/storage-provisioner', 'volume.beta.kubernetes.io/storage-provisioner'] as const
/** The provisioner of classes whose volumes people make by hand. */
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner'

/** The built-in provisioner: a volume is a folder on the node of its first pod. */
export const NODE_FOLDER = 'coxswain/node-folder'
/** On a Node, written by its kubelet: the folder in which it keeps such volumes. A node without it has none. */
export const FOLDERS_OF_NODE = 'coxswain/node-folders'
/** On a volume, by the kubelet of its node: the folder is made, and the volume stays until the folder is gone. */
export const FOLDER_FINALIZER = 'coxswain/node-folder'
/** On a volume: the name of the node that its folder is on. */
export const NODE_OF_FOLDER = 'coxswain/node'
