import type { ControllerTools } from '../../shared/controller/define-controller.ts'
import type { Cache } from '../../shared/informer/informer.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { Job } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Expectations } from '../pods/expectations.ts'
import { createPod, deletePodAsSeen, inGrowingBatches, isTerminatingNamespace, isUnanswered } from '../pods/pod-control.ts'
import type { Attempted } from './job-reconciliation.ts'
import { jobPodTemplate, podNamePrefix } from './job-template.ts'
import type { TrackedPods } from './tracked-pods.ts'

type Index = number | undefined

/** Makes and removes pods of jobs, and knows what of that the cache may not show yet. */
export class JobPodControl {
  readonly #tools: ControllerTools
  readonly #pods: Cache<Pod>
  readonly #expectations: Expectations
  readonly #tracked: TrackedPods
  /** Names of pods whose creation was not answered, by job and index: they are tried first, so that none is made twice. */
  readonly #unanswered = new Map<string, Map<Index, string[]>>()

  constructor(tools: ControllerTools, pods: Cache<Pod>, expectations: Expectations, tracked: TrackedPods) {
    this.#tools = tools
    this.#pods = pods
    this.#expectations = expectations
    this.#tracked = tracked
  }

  /** Stops pods that are as they were seen; they stay tracked, so that their end is counted. */
  async remove(job: Job, pods: readonly Pod[]): Promise<Attempted> {
    return each(pods, (pod) => this.#deleteOne(job, pod))
  }

  /**
   * Stops pods whose end shall not be counted. Deleted first, if they are as they were seen, and then let go: the other way round, one
   * that succeeds in between would be lost.
   */
  async dismiss(job: Job, pods: readonly Pod[]): Promise<Attempted> {
    const { uid = '' } = job.metadata
    return each(pods, async (pod) => {
      if (!(await this.#deleteOne(job, pod))) return false
      this.#tracked.dismiss(uid, pod)
      await this.#tracked.release(uid, pod)
      return true
    })
  }

  /** Makes a pod for each index (undefined: without one). */
  async create(job: Job, indexes: readonly Index[], handingOver: ReadonlyMap<number, Pod>): Promise<Attempted> {
    const done: Pod[] = []
    const left = [...indexes]
    try {
      await inGrowingBatches(indexes.length, async () => {
        const index = left.shift()
        done.push(await this.#createOne(job, index, index === undefined ? undefined : handingOver.get(index)))
      })
      return { done }
    } catch (error) {
      // Nothing can be made in a namespace that goes, and nothing needs to be: no failure to repeat.
      return isTerminatingNamespace(error) ? { done } : { done, error }
    }
  }

  forget(key: string): void {
    this.#unanswered.delete(key)
    this.#expectations.forget(key)
  }

  async #deleteOne(job: Job, pod: Pod): Promise<boolean> {
    const isDeleted = await deletePodAsSeen(job, pod, this.#tools)
    if (isDeleted) this.#expectations.deleted(objectKey(job), pod)
    return isDeleted
  }

  async #createOne(job: Job, index: Index, replaces: Pod | undefined): Promise<Pod> {
    const key = objectKey(job)
    const prefix = podNamePrefix(job, index)
    const name = this.#unansweredName(job, index) ?? `${prefix}${this.#tools.random.nameSuffix(5)}`
    try {
      const pod = await createPod(job, jobPodTemplate(job, index, replaces), { name, prefix }, this.#tools)
      this.#expectations.written(key, pod)
      return pod
    } catch (error) {
      if (isUnanswered(error)) this.#namesOf(key, index).push(name)
      throw error
    }
  }

  /** What has shown up since is counted already. */
  #unansweredName(job: Job, index: Index): string | undefined {
    const names = this.#unanswered.get(objectKey(job))?.get(index) ?? []
    let name = names.shift()
    while (name !== undefined && this.#pods.get(`${job.metadata.namespace}/${name}`)) name = names.shift()
    return name
  }

  #namesOf(key: string, index: Index): string[] {
    const ofJob = this.#unanswered.get(key) ?? new Map<Index, string[]>()
    const names = ofJob.get(index) ?? []
    this.#unanswered.set(key, ofJob.set(index, names))
    return names
  }
}

/** `act` answers whether it was done; one that was not is tried again when there is news of it. */
async function each(pods: readonly Pod[], act: (pod: Pod) => Promise<boolean>): Promise<Attempted> {
  const results = await Promise.allSettled(pods.map(act))
  const failure = results.find((result) => result.status === 'rejected')
  const isDone = (index: number) => results[index]?.status === 'fulfilled' && results[index].value
  return { done: pods.filter((_pod, index) => isDone(index)), error: failure?.reason }
}
