import { own } from '../../shared/objects/own.ts'
import type { Pod, Toleration } from '../../shared/openapi/generated/core-v1.ts'
import type { RuntimeClass } from '../../shared/openapi/generated/node-v1.ts'
import { canonicalQuantity } from '../../shared/quantity/quantity.ts'
import { asKind } from '../registry/as-kind.ts'
import { sameValue } from '../registry/same-value.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import { refusal } from './refuse.ts'

const OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

/**
 * A Pod runs under the runtime class that it names: its overhead is the class's, and it goes where the class says that its runtime is.
 * A class that is not there is refused: the pod would run without the isolation that its author counts on.
 */
export const runtimeClass: AdmissionRule = {
  name: 'RuntimeClass',
  mutate(request) {
    const pod = createdPod(request)
    const found = pod && classOf(request, pod)
    if (!pod || !found) return
    const overhead = found.overhead?.podFixed
    if (overhead) {
      if (pod.spec.overhead && !sameAmounts(pod.spec.overhead, overhead)) throw refusal(request, OTHER_OVERHEAD)
      pod.spec.overhead = { ...overhead }
    }
    if (found.scheduling) schedule(request, pod, found.scheduling)
  },
  validate(request) {
    const pod = createdPod(request)
    if (!pod) return
    const overhead = pod.spec.overhead ?? {}
    const defined = classOf(request, pod)?.overhead?.podFixed
    if (defined && !sameAmounts(overhead, defined)) throw refusal(request, OTHER_OVERHEAD)
    if (!defined && Object.keys(overhead).length > 0) {
      throw refusal(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
    }
  },
}

function createdPod({ operation, subresource, object }: AdmissionRequest): Pod | undefined {
  return operation === 'CREATE' && subresource === '' ? asKind(object, 'v1', 'Pod') : undefined
}

/** @throws StatusError Forbidden for a class that is not there */
function classOf(request: AdmissionRequest, { spec }: Pod): RuntimeClass | undefined {
  const name = spec.runtimeClassName
  if (!name) return undefined
  const found = request.context.reader.get('node.k8s.io/v1', 'RuntimeClass', { name })
  if (!found) throw refusal(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
  return found
}

function schedule(
  request: AdmissionRequest,
  { spec }: Pod,
  { nodeSelector = {}, tolerations = [] }: NonNullable<RuntimeClass['scheduling']>,
) {
  for (const [key, value] of Object.entries(nodeSelector)) {
    const given = own(spec.nodeSelector, key)
    if (given === undefined || given === value) continue
    const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${given}`
    throw refusal(request, why)
  }
  if (Object.keys(nodeSelector).length > 0) spec.nodeSelector = { ...spec.nodeSelector, ...nodeSelector }
  if (tolerations.length > 0) spec.tolerations = merged([...tolerations, ...(spec.tolerations ?? [])])
}

/** Without what another one covers; of equal ones the first stays. */
function merged(all: readonly Toleration[]): Toleration[] {
  const kept: Toleration[] = []
  for (const [index, each] of all.entries()) {
    const isCovered = kept.some((other) => covers(other, each))
    const isCoveredLater = all.slice(index + 1).some((other) => !sameValue(other, each) && covers(other, each))
    if (!isCovered && !isCoveredLater) kept.push({ ...each })
  }
  return kept
}

/** Whether one toleration tolerates all that the other does. */
function covers(wide: Toleration, narrow: Toleration): boolean {
  if (sameValue(wide, narrow)) return true
  const hasWideKey = wide.key === narrow.key || (!wide.key && wide.operator === 'Exists')
  if (!hasWideKey || (wide.effect && wide.effect !== narrow.effect)) return false
  if (wide.effect === 'NoExecute' && wide.tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || wide.tolerationSeconds < narrow.tolerationSeconds) return false
  }
  if (wide.operator === 'Exists') return true
  const isEqual = (operator: string | undefined) => !operator || operator === 'Equal'
  return isEqual(wide.operator) && isEqual(narrow.operator) && (wide.value ?? '') === (narrow.value ?? '')
}

/** However they are written. */
function sameAmounts(left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(left)
  if (names.length !== Object.keys(right).length) return false
  return names.every((name) => right[name] !== undefined && canonicalQuantity(left[name] ?? '') === canonicalQuantity(right[name] ?? ''))
}
