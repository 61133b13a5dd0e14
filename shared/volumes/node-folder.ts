import type { PersistentVolume } from '../openapi/generated/core-v1.ts'
import { NODE_FOLDER, NODE_OF_FOLDER, PROVISIONED_BY } from './annotations.ts'

/** The node that a volume of the built-in provisioner is a folder of; undefined for other volumes. */
export function nodeOfFolder({ metadata }: PersistentVolume): string | undefined {
  return metadata.annotations?.[PROVISIONED_BY] === NODE_FOLDER ? metadata.annotations[NODE_OF_FOLDER] : undefined
}
