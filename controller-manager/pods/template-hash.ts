import { sameJson } from '../../shared/objects/same-json.ts'
import type { PodTemplateSpec } from '../../shared/openapi/generated/core-v1.ts'

/** The label that tells the pods of one ReplicaSet from those of another of the same Deployment. */
export const TEMPLATE_HASH_LABEL = 'pod-template-hash'

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/**
 * A short name for a template (FNV-1a over its JSON with sorted keys, in letters that make no words). Another value
 * than upstream's for the same template: nothing may depend on it but that equal templates give equal names.
 */
export function templateHash(template: PodTemplateSpec, collisions: number): string {
  let hash = 0x811c9dc5
  const mix = (text: string) => {
    for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  mix(sortedJson(template))
  if (collisions > 0) mix(String(collisions))
  return String(hash >>> 0)
    .split('')
    .map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length])
    .join('')
}

/** Templates that differ only in the hash label we put there ourselves are the same template. */
export function sameTemplate(left: PodTemplateSpec, right: PodTemplateSpec): boolean {
  return sameJson(withoutHash(left), withoutHash(right))
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { [TEMPLATE_HASH_LABEL]: _hash, ...labels } = template.metadata.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels } }
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  )
}
