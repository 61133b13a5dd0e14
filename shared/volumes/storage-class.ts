import type { KubeObject } from '../objects/object.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../openapi/generated/core-v1.ts'
import type { StorageClass } from '../openapi/generated/storage-v1.ts'

/** The annotation of before `storageClassName`; where there is one it counts. */
export const OLD_CLASS = 'volume.beta.kubernetes.io/storage-class'

const MARKS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

/** Whether claims that name no class get this one. */
export function isDefaultClass({ metadata }: KubeObject): boolean {
  return MARKS.some((mark) => metadata.annotations?.[mark] === 'true')
}

/** Of several defaults the newest counts, of equally old ones the first by name: so a new default can be tried beside the old. */
export function defaultClassOf(classes: readonly StorageClass[]): StorageClass | undefined {
  const marked = classes.filter(isDefaultClass)
  marked.sort((a, b) => {
    const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
    return left === right ? ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1) : left < right ? 1 : -1
  })
  return marked[0]
}

/** The class of a claim or a volume; empty: none. A claim that has not said yet has none either. */
export function storageClassOf({ metadata, spec }: PersistentVolumeClaim | PersistentVolume): string {
  return metadata.annotations?.[OLD_CLASS] ?? spec.storageClassName ?? ''
}
