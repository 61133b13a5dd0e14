import type { ControllerTools } from '../../shared/controller/define-controller.ts'
import type { Informer } from '../../shared/informer/informer.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { DaemonSet } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { daemonPodSpec } from '../plans/daemon-nodes.ts'
import { Expectations } from './expectations.ts'
import { createPod, deletePod, inGrowingBatches, isTerminatingNamespace, isUnanswered, podName } from './pod-control.ts'
import { ReplacementPace } from './replacement-pace.ts'
import { REVISION_LABEL } from './revision-label.ts'

/** A label of earlier versions, kept for those who select by it. */
const GENERATION_LABEL = 'pod-template-generation'
const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation'

/** Acts on the pods of DaemonSets, and remembers what was done until the cache shows it. */
export class DaemonPods {
  readonly #pods: Informer<Pod>
  readonly #tools: ControllerTools
  readonly #expectations: Expectations
  readonly #pace: ReplacementPace
  /** By set: names of pods whose creation was not answered, by node; they are tried first, so that none is made twice. */
  readonly #unanswered = new Map<string, Map<string, string>>()
  /** By set: uids of pods whose deletion was not answered. Until the cache shows that they go, they count as gone. */
  readonly #leaving = new Map<string, Set<string>>()

  constructor(pods: Informer<Pod>, tools: ControllerTools) {
    this.#pods = pods
    this.#tools = tools
    this.#expectations = new Expectations(pods, tools.clock)
    this.#pace = new ReplacementPace(tools.clock)
  }

  isCaughtUp(key: string): boolean {
    return this.#expectations.satisfied(key)
  }

  /** Those of a set's pods that were told to go, although the cache does not show it: the uids of others are forgotten. */
  leaving(key: string, pods: readonly Pod[]): ReadonlySet<string> {
    const known = this.#leaving.get(key)
    if (!known) return new Set()
    const here = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.uid ?? '')
    const left = new Set(here.filter((uid) => known.has(uid)))
    if (left.size > 0) this.#leaving.set(key, left)
    else this.#leaving.delete(key)
    return left
  }

  pauseOf(set: DaemonSet, node: string): number {
    return this.#pace.pauseOf(objectKey(set), node)
  }

  forget(key: string): void {
    this.#expectations.forget(key)
    this.#pace.forget(key)
    this.#unanswered.delete(key)
    this.#leaving.delete(key)
  }

  /** Says why pods are replaced that nobody deleted, and slows down the next replacement. */
  tellEnded(set: DaemonSet, ended: readonly { readonly node: string; readonly pod: Pod }[]): void {
    const { events } = this.#tools
    for (const { node, pod } of ended) {
      const what = `daemon pod ${objectKey(pod)} on node ${node}`
      if (pod.status.phase === 'Failed') {
        this.#pace.replaced(objectKey(set), node)
        events.record(set, 'Warning', 'FailedDaemonPod', `Found failed ${what}, will try to kill it`)
      } else events.record(set, 'Normal', 'SucceededDaemonPod', `Found succeeded ${what}, will try to delete it`)
    }
  }

  async create(set: DaemonSet, nodes: readonly string[], hash: string): Promise<void> {
    const left = [...nodes]
    try {
      await inGrowingBatches(nodes.length, () => this.#createOn(set, left.shift() ?? '', hash))
    } catch (error) {
      // Nothing can be made in a namespace that goes, and nothing needs to be.
      if (!isTerminatingNamespace(error)) throw error
    }
  }

  async delete(set: DaemonSet, pods: readonly Pod[]): Promise<void> {
    const key = objectKey(set)
    const results = await Promise.allSettled(pods.map((pod) => this.#delete(set, key, pod)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  async #delete(set: DaemonSet, key: string, pod: Pod): Promise<void> {
    const leaving = this.#leaving.get(key) ?? new Set<string>()
    try {
      await deletePod(set, pod, this.#tools)
      this.#expectations.deleted(key, pod)
      leaving.delete(pod.metadata.uid ?? '')
    } catch (error) {
      if (isUnanswered(error)) this.#leaving.set(key, leaving.add(pod.metadata.uid ?? ''))
      throw error
    }
  }

  async #createOn(set: DaemonSet, node: string, hash: string): Promise<void> {
    const key = objectKey(set)
    const { template } = set.spec
    const generation = set.metadata.annotations?.[GENERATION_ANNOTATION]
    const labels = {
      ...template.metadata.labels,
      ...(generation === undefined ? {} : { [GENERATION_LABEL]: generation }),
      [REVISION_LABEL]: hash,
    }
    const own = { ...template, metadata: { ...template.metadata, labels }, spec: daemonPodSpec(template.spec, node) }
    const unanswered = this.#unanswered.get(key) ?? new Map<string, string>()
    const known = unanswered.get(node)
    unanswered.delete(node)
    // One that has shown up since is counted already: it is not in its place any more.
    const isFree = known !== undefined && !this.#pods.cache.get(`${set.metadata.namespace}/${known}`)
    const name = isFree ? known : podName(set, this.#tools.random)
    try {
      this.#expectations.written(key, await createPod(set, own, name, this.#tools))
    } catch (error) {
      if (isUnanswered(error)) this.#unanswered.set(key, unanswered.set(node, name))
      throw error
    }
  }
}
