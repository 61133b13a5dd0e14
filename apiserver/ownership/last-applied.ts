/**
 * Objects that `kubectl apply` without `--server-side` made carry what was applied as an annotation. Upstream lets kubectl's applier take such an
 * object over without conflicts, and keeps the annotation in step, so that people can go back.
 */
import type { KubeObject } from '../../shared/objects/object.ts'
import { readExactJson, writeExactJson } from '../../shared/text/exact-json.ts'
import { isObject } from '../patch/json-value.ts'
import { compareFields } from './compare-fields.ts'
import { FieldSet } from './field-set.ts'
import type { Shape } from './owned-shape.ts'
import { statedFields } from './stated-fields.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
/** Whose applies this is for: kubectl's, if it was not told another name. */
export const KUBECTL = 'kubectl'
/** Bytes of all annotations (apimachinery's TotalAnnotationSizeLimitB). */
const ANNOTATIONS_LIMIT = 256 * 1024

/** The fields of the annotation that the live object still has as it says: no conflict for who applied them. */
export function fieldsLastApplied(live: KubeObject, shape: Shape): FieldSet {
  const text = live.metadata.annotations?.[LAST_APPLIED]
  if (!text) return FieldSet.empty
  let config: unknown
  try {
    config = readExactJson(text)
  } catch {
    return FieldSet.empty // somebody's own text: as good as none
  }
  if (!isObject(config) || config['apiVersion'] !== live.apiVersion) return FieldSet.empty
  const { fields, problems } = statedFields(shape, config)
  if (problems.length > 0) return FieldSet.empty
  const { added, modified, removed } = compareFields(shape, config, live)
  return fields.difference(modified).difference(added).difference(removed)
}

/** Puts what is applied now into the annotation, where there is one. */
export function keepLastApplied(object: KubeObject, config: Readonly<Record<string, unknown>>): void {
  const { annotations } = object.metadata
  if (!annotations || !Object.hasOwn(annotations, LAST_APPLIED)) return
  const text = `${writeExactJson(sorted(withoutAnnotation(config)))}\n`
  annotations[LAST_APPLIED] = text.length > ANNOTATIONS_LIMIT / 2 ? '' : text
}

function withoutAnnotation(config: Readonly<Record<string, unknown>>): unknown {
  const { metadata } = config
  if (!isObject(metadata) || !isObject(metadata['annotations'])) return config
  const { [LAST_APPLIED]: _, ...annotations } = metadata['annotations']
  return { ...config, metadata: { ...metadata, annotations } }
}

/** As Go writes maps. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, sorted(item)]),
  )
}
