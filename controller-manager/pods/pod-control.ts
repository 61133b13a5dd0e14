import type { Client, DeleteOptions } from '../../shared/client/client.ts'
import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import { hasReason, StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Pod, PodTemplateSpec } from '../../shared/openapi/generated/core-v1.ts'
import type { Random } from '../../shared/random/random.ts'
import { controllerOf, controllerReference } from './claim.ts'

export interface PodControlTools {
  client: Client
  events: EventRecorder
  random: Random
  signal: AbortSignal
}

/** Room for the five letters of a generated name in the 63 that a name may have as a host name. */
const LONGEST_PREFIX = 58

/** A name for a new pod, and what it begins with where that is not the owner's name. */
export type ChosenName = string | { readonly name: string; readonly prefix: string }

/** A name for a new pod of the owner, as `generateName` would make it. */
export function podName(owner: KubeObject, random: Random): string {
  return `${`${owner.metadata.name}-`.slice(0, LONGEST_PREFIX)}${random.nameSuffix(5)}`
}

/**
 * Creates a pod of a template, owned by `owner`, and says so in an Event. The name is chosen here, not by the server, so that a
 * creation whose answer was lost can be repeated without making a second pod: a pod of that name that is the owner's is the answer.
 */
export async function createPod(owner: KubeObject, template: PodTemplateSpec, chosen: ChosenName, tools: PodControlTools): Promise<Pod> {
  const { client, events, signal } = tools
  const { name, prefix } = typeof chosen === 'string' ? { name: chosen, prefix: `${owner.metadata.name}-` } : chosen
  const { namespace } = owner.metadata
  const metadata = {
    name,
    generateName: prefix,
    labels: { ...template.metadata?.labels },
    annotations: { ...template.metadata?.annotations },
    finalizers: [...(template.metadata?.finalizers ?? [])],
    ownerReferences: [controllerReference(owner)],
  }
  try {
    const pod = await client.create('v1', 'Pod', { metadata, spec: template.spec }, { namespace, signal })
    events.record(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
    return pod
  } catch (error) {
    if (hasReason(error, 'AlreadyExists')) {
      // Its account may list pods and not get one, as upstream's.
      const [existing] = (await client.list('v1', 'Pod', { namespace, fieldSelector: `metadata.name=${name}`, signal })).items
      if (existing && controllerOf(existing)?.uid === owner.metadata.uid) return existing
    }
    // A namespace that is going away refuses every creation; saying so for each pod helps nobody.
    if (!isTerminatingNamespace(error)) events.record(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
    throw error
  }
}

/** Whether a write may have been done although it failed: the server did not say no. */
export function isUnanswered(error: unknown): boolean {
  return !(error instanceof StatusError) || error.code >= 500
}

/** Deletes a pod on behalf of `owner`; one that is gone already is as good. */
export async function deletePod(owner: KubeObject, pod: Pod, tools: PodControlTools): Promise<void> {
  await deleteUnder({ uid: pod.metadata.uid }, owner, pod, tools)
}

/** Deletes a pod if it still is as it was seen. Answers whether it is deleted, or gone already; if not, there is news of it on the way. */
export async function deletePodAsSeen(owner: KubeObject, pod: Pod, tools: PodControlTools): Promise<boolean> {
  const { uid, resourceVersion } = pod.metadata
  return deleteUnder({ uid, resourceVersion }, owner, pod, tools)
}

async function deleteUnder(
  preconditions: NonNullable<DeleteOptions['preconditions']>,
  owner: KubeObject,
  pod: Pod,
  { client, events, signal }: PodControlTools,
): Promise<boolean> {
  const { namespace, name = '' } = pod.metadata
  try {
    await client.delete('v1', 'Pod', { namespace, name }, { preconditions, signal })
  } catch (error) {
    if (hasReason(error, 'NotFound')) return true
    if (hasReason(error, 'Conflict')) return false
    events.record(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
    throw error
  }
  events.record(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
  return true
}

/**
 * Runs `create` `count` times in batches of 1, 2, 4 …, and stops after a batch with a failure: when all of them would
 * fail (a quota, a broken template) only one refusal is caused instead of hundreds.
 */
export async function inGrowingBatches(count: number, create: () => Promise<void>): Promise<void> {
  let done = 0
  for (let size = 1; done < count; size *= 2) {
    const batch = Math.min(size, count - done)
    const results = await Promise.allSettled(Array.from({ length: batch }, create))
    done += batch
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}

export function isTerminatingNamespace(error: unknown): boolean {
  return hasReason(error, 'Forbidden') && (error.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
