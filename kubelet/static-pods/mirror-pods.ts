import type { Writer } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Informer } from '../../shared/informer/informer.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock, Timer } from '../../shared/time/clock.ts'
import { fullNameOf, isMirrorPod } from '../pods/pod-kinds.ts'
import { isMirrorOf, mirrorOf, planMirrors } from './mirror-plan.ts'
import type { StaticPods } from './static-pods.ts'

export interface MirrorPodsOptions {
  nodeName: string
  api: Pick<Writer, 'create' | 'delete'>
  /** Pods of this node, and the node. */
  pods: Informer<Pod>
  nodes: Informer<Node>
  statics: StaticPods
  clock: Clock
  log: Logger
  signal: AbortSignal
}

/** Shows static pods in the API server, where they cannot be changed: a mirror each, made, repaired and removed as the manifests say. */
export interface MirrorPods {
  /** @param isEnding whether the static pod of that name is being taken down */
  start(isEnding: (fullName: string) => boolean): void
  /** The mirror that shows this pod, once there is one. */
  of(pod: Pod): Pod | undefined
  /** Something about the static pods has changed. */
  wake(): void
  /** Called whenever a mirror may have come or gone. */
  onChange(listener: () => void): void
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

/** Milliseconds before what failed is tried again; doubles up to `most`. */
const RETRY = { first: 500, most: 60_000 }

export function mirrorPods({ nodeName, api, pods, nodes, statics, clock, log, signal }: MirrorPodsOptions): MirrorPods {
  let isEnding: (fullName: string) => boolean = () => false
  let dirty = false
  let running: Promise<void> | undefined
  let timer: Timer | undefined
  let wait = RETRY.first

  const mirrors = () => pods.cache.list().filter(isMirrorPod)

  function wake(): void {
    dirty = true
    if (signal.aborted || !pods.synced || !nodes.synced) return
    running ??= work().finally(() => {
      running = undefined
      if (dirty) wake()
    })
  }

  async function work(): Promise<void> {
    await undefined
    while (dirty && !signal.aborted) {
      dirty = false
      timer?.cancel()
      const failures = await pass()
      if (failures === 0) wait = RETRY.first
      else {
        timer = clock.after(wait, wake)
        wait = Math.min(wait * 2, RETRY.most)
      }
    }
  }

  /** One after another: there are few. Returns how many were in vain. */
  async function pass(): Promise<number> {
    const node = nodes.cache.get(nodeName)
    const plan = planMirrors(statics.list(), mirrors(), statics.isComplete, isEnding)
    let failures = 0
    for (const mirror of plan.remove) if (!(await tried('removed', mirror, () => remove(mirror)))) failures++
    // The node owns them: without it they would be collected at once.
    if (node) for (const pod of plan.create) if (!(await tried('made', pod, () => create(pod, node)))) failures++
    return failures
  }

  async function tried(what: string, pod: Pod, act: () => Promise<void>): Promise<boolean> {
    try {
      await act()
      return true
    } catch (error) {
      if (!signal.aborted)
        log.warn(`the mirror of a static pod could not be ${what}; trying again`, { pod: fullNameOf(pod), error: String(error) })
      return false
    }
  }

  async function create(pod: Pod, node: Node): Promise<void> {
    await api.create('v1', 'Pod', mirrorOf(pod, node), { namespace: pod.metadata.namespace, signal })
    log.info('made the mirror of a static pod', { pod: fullNameOf(pod) })
  }

  async function remove({ metadata }: Pod): Promise<void> {
    const { namespace, name = '', uid } = metadata
    try {
      await api.delete('v1', 'Pod', { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid }, signal })
    } catch (error) {
      // Another is there, or none: the cache will say so.
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
    }
  }

  function onMirror(listener: () => void): void {
    pods.onChange((_key, ...both) => {
      if (both.some((pod) => pod && isMirrorPod(pod))) listener()
    })
  }

  return {
    start(ending) {
      isEnding = ending
      onMirror(wake)
      nodes.onChange((_key, current, previous) => {
        if (current?.metadata.uid !== previous?.metadata.uid) wake()
      })
      statics.onChange(wake)
      // A node without any pod hears of none.
      Promise.all([pods.whenSynced(signal), nodes.whenSynced(signal)]).then(wake, () => undefined)
      signal.addEventListener('abort', () => timer?.cancel(), { once: true })
    },
    of(pod) {
      const mirror = pods.cache.get(fullNameOf(pod))
      return mirror && mirror.metadata.deletionTimestamp === undefined && isMirrorOf(mirror, pod) ? mirror : undefined
    },
    wake,
    onChange: onMirror,
    async idle() {
      while (running) await running
    },
  }
}
