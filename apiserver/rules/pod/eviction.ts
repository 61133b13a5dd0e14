import { conflict, StatusError } from '../../../shared/errors/status-error.ts'
import type { Pod } from '../../../shared/openapi/generated/core-v1.ts'
import type { Eviction, PodDisruptionBudget } from '../../../shared/openapi/generated/policy-v1.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import type { SubresourceAction, SubresourceCall } from '../../registry/define-resource.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { budgetsOf, goesFreely, isBeyondBudgets, takeDisruption } from '../disruption/eviction-check.ts'
import { success } from '../success-status.ts'

const SEVERAL = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'

/** `pods/eviction`: a delete that a disruption budget may refuse. */
export const evictionAction: SubresourceAction<Pod> = {
  kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
  // What clients from before 1.22 send; upstream still takes it.
  formerVersions: ['policy/v1beta1'],
  async run(call) {
    const eviction = decodeObject('policy/v1', 'Eviction', call.body, { fieldValidation: 'Ignore' }) as Eviction
    const { name } = eviction.metadata
    if (name && name !== call.parent.metadata.name) {
      throw new StatusError('BadRequest', `name in URL does not match name in Eviction object: ${call.parent.metadata.name} != ${name}`)
    }
    const { gracePeriodSeconds, preconditions = {}, dryRun: asked } = eviction.deleteOptions ?? {}
    const dryRun = call.context.dryRun || asked?.includes('All') === true
    checkPreconditions(call.parent, preconditions)
    const isFree = await askBudgets(call, dryRun)
    // A pod that goes because of its state must still be in that state.
    const resourceVersion = isFree ? (preconditions.resourceVersion ?? call.parent.metadata.resourceVersion) : undefined
    if (!dryRun) {
      if (!isBeyondBudgets(call.parent)) await markDisrupted(call, resourceVersion)
      await call.remove({ gracePeriodSeconds, preconditions: { uid: preconditions.uid ?? call.parent.metadata.uid } })
    }
    return success(201)
  },
}

function checkPreconditions({ metadata }: Pod, wanted: { uid?: string | undefined; resourceVersion?: string | undefined }): void {
  const pods = { group: '', resource: 'pods' }
  const { name = '', uid, resourceVersion } = metadata
  if (wanted.uid !== undefined && wanted.uid !== uid) {
    throw conflict(pods, name, `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`)
  }
  if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${wanted.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`
    throw conflict(pods, name, why)
  }
}

/** @returns whether the pod may go for its state alone. @throws StatusError TooManyRequests */
async function askBudgets(call: SubresourceCall<Pod>, dryRun: boolean): Promise<boolean> {
  const { parent, context } = call
  if (isBeyondBudgets(parent)) return true
  const { namespace = '', name = '' } = parent.metadata
  const [budget, ...others] = budgetsOf(parent, context.reader.list('policy/v1', 'PodDisruptionBudget', namespace))
  if (!budget) return false
  if (others.length > 0) throw new StatusError('Unknown', SEVERAL)
  if (goesFreely(parent, budget)) return true
  const take = (newest: PodDisruptionBudget) => takeDisruption(newest, name, context.clock.now())
  if (dryRun) take(structuredClone(budget))
  else await call.updateOther('policy/v1', 'PodDisruptionBudget', { namespace, name: budget.metadata.name ?? '' }, take)
  return false
}

/** Says in the pod why it ends (KEP-3329). */
async function markDisrupted(call: SubresourceCall<Pod>, resourceVersion: string | undefined): Promise<void> {
  const { metadata } = call.parent
  const now = timestamp(call.context.clock.now())
  await call.update((pod) => {
    if (pod.metadata.uid !== metadata.uid || (resourceVersion !== undefined && pod.metadata.resourceVersion !== resourceVersion)) {
      const why = 'the object has been modified; please apply your changes to the latest version and try again'
      throw conflict({ group: '', resource: 'pods' }, metadata.name ?? '', why)
    }
    const others = (pod.status.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget')
    const condition = {
      ...{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
      ...{ lastProbeTime: null, lastTransitionTime: now, observedGeneration: pod.metadata.generation },
    }
    pod.status.conditions = [...others, condition]
  })
}
