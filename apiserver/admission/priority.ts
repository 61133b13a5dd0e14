import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { PriorityClass } from '../../shared/openapi/generated/scheduling-v1.ts'
import { asKind } from '../registry/as-kind.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import { refusal } from './refuse.ts'

const API = 'scheduling.k8s.io/v1'
const DEFAULT_POLICY = 'PreemptLowerPriority'

/** Turns a Pod's PriorityClass name into its number, and keeps the default class unique. */
export const priority: AdmissionRule = {
  name: 'Priority',
  mutate(request) {
    const pod = request.operation === 'CREATE' ? asKind(request.object, 'v1', 'Pod') : undefined
    if (pod) setPriority(request, pod)
  },
  validate(request) {
    const wanted = request.operation === 'DELETE' ? undefined : asKind(request.object, API, 'PriorityClass')
    if (!wanted?.globalDefault) return
    const other = defaultClass(request)
    if (other && other.metadata.name !== wanted.metadata.name) {
      throw refusal(request, `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`)
    }
  },
}

function setPriority(request: AdmissionRequest, pod: Pod): void {
  const { spec } = pod
  const found = spec.priorityClassName
    ? request.context.reader.get(API, 'PriorityClass', { name: spec.priorityClassName })
    : defaultClass(request)
  if (spec.priorityClassName && !found) throw refusal(request, `no PriorityClass with name ${spec.priorityClassName} was found`)
  const value = found?.value ?? 0
  const policy = found?.preemptionPolicy ?? DEFAULT_POLICY
  if (spec.priority !== undefined && spec.priority !== value) {
    throw refusal(
      request,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    )
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw refusal(
      request,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    )
  }
  if (found?.metadata.name) spec.priorityClassName = found.metadata.name
  spec.priority = value
  spec.preemptionPolicy = policy
}

/** Should there be several after all, the lowest, so that nobody gains by it. */
function defaultClass({ context }: AdmissionRequest): PriorityClass | undefined {
  const marked = context.reader.list(API, 'PriorityClass').filter((each) => each.globalDefault)
  return marked.reduce<PriorityClass | undefined>((lowest, each) => (lowest && lowest.value <= each.value ? lowest : each), undefined)
}
