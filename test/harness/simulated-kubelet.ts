import type { Client } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { createInformers } from '../../shared/informer/shared-informers.ts'
import { parseObjectKey } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ProcessTools } from '../../shared/process/run.ts'
import { beat, finishDeletion, joinNode, report } from './node-reports.ts'

/** How the simulated node behaves; times are virtual milliseconds. */
export interface KubeletBehaviour {
  /** From being bound to Running and Ready; a function can keep some pods from it (undefined: never ready). */
  readyAfter?: number | ((pod: Pod) => number | undefined)
  /** From the deletion mark to the pod being gone. */
  gracefulFor?: number
  heartbeat?: number
}

/** A node whose containers exist only as answers. */
export interface SimulatedKubelet {
  /** The host is lost: nothing is reported any more. */
  kill(): void
}

let addresses = 0

/** Joins a node and plays its kubelet: what the API server sees of one, and nothing more. */
export async function simulateKubelet(
  client: Client,
  name: string,
  { clock, random, log }: ProcessTools,
  { readyAfter = 1_000, gracefulFor = 1_000, heartbeat = 10_000 }: KubeletBehaviour = {},
): Promise<SimulatedKubelet> {
  const dead = new AbortController()
  const begun = new Set<string>()
  const network = ++addresses
  await joinNode(client, name, clock)
  const heart = clock.every(heartbeat, () => void beat(client, name, clock).catch((error) => log.info('no heartbeat', { error })))
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      if (!dead.signal.aborted) await work()
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error // deleted meanwhile
    }
  }
  const informers = createInformers({ client, clock, random, log })
  const pods = informers.of('v1', 'Pod', { fieldSelector: `spec.nodeName=${name}` })
  pods.onChange((key, pod) => {
    const podName = parseObjectKey(key)
    const uid = pod?.metadata.uid ?? ''
    if (pod && !begun.has(uid)) {
      begun.add(uid)
      const after = typeof readyAfter === 'number' ? readyAfter : readyAfter(pod)
      const podIP = `10.244.${network}.${begun.size}`
      void attempt(() => report(client, podName, clock, { ready: false, podIP }))
      if (after !== undefined) clock.after(after, () => void attempt(() => report(client, podName, clock, { ready: true })))
    }
    if (pod?.metadata.deletionTimestamp && !begun.has(`${uid} ending`)) {
      begun.add(`${uid} ending`)
      clock.after(gracefulFor, () => void attempt(() => finishDeletion(client, podName)))
    }
  })
  informers.start(dead.signal)
  return {
    kill() {
      heart.cancel()
      dead.abort(new Error('the simulated host was lost'))
    },
  }
}
