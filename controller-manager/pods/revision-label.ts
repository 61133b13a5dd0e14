/** Which revision of its owner a pod is of. */
export const REVISION_LABEL = 'controller-revision-hash'
