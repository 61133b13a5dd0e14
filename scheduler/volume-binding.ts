import type { PersistentVolumeClaim } from '../shared/openapi/generated/core-v1.ts'
import { SELECTED_NODE } from '../shared/volumes/annotations.ts'
import { boundVolume, isFullyBound } from '../shared/volumes/binding.ts'
import { isReachable } from '../shared/volumes/matching.ts'
import type { BindingTools } from './binding.ts'
import type { NodeInfo } from './node-info.ts'
import type { VolumeChoice, VolumeState } from './volume-state.ts'

/** How long a pod waits on its chosen node for its volumes (upstream's bindTimeoutSeconds). */
const TIMEOUT_MILLISECONDS = 10 * 60_000

export interface VolumeBindingTools extends BindingTools {
  readonly volumes: VolumeState
  /** The pod was deleted meanwhile. */
  readonly isGone: () => boolean
}

/**
 * Has the chosen volumes bound before the pod is: promises are written on the volumes, the node on claims whose volumes are to be made; the rest is the
 * binder's and the provisioner's. A crash in between leaves what the next decision begins with.
 * @throws StatusError Conflict when somebody else was faster; Error when the volumes do not come
 */
export async function bindVolumes({ promises, provisions }: VolumeChoice, node: NodeInfo, tools: VolumeBindingTools): Promise<void> {
  const { client, signal } = tools
  for (const { claim, volume } of promises) {
    const next = boundVolume(volume, claim)
    if (next) await client.update('v1', 'PersistentVolume', next, { signal })
  }
  const asked: PersistentVolumeClaim[] = promises.map(({ claim }) => claim)
  for (const claim of provisions) {
    const annotations = { ...claim.metadata.annotations, [SELECTED_NODE]: node.name }
    asked.push(await client.update('v1', 'PersistentVolumeClaim', { ...claim, metadata: { ...claim.metadata, annotations } }, { signal }))
  }
  await untilBound(asked, node, tools)
}

async function untilBound(asked: readonly PersistentVolumeClaim[], node: NodeInfo, { volumes, clock, signal, isGone }: VolumeBindingTools) {
  const deadline = clock.now() + TIMEOUT_MILLISECONDS
  while (!asked.every((claim) => isBound(claim, node, volumes))) {
    signal.throwIfAborted()
    if (isGone()) throw new Error('the pod was deleted')
    const left = deadline - clock.now()
    if (left <= 0) throw new Error('binding volumes: timed out waiting for the condition')
    await new Promise<void>((resolve) => {
      const timer = clock.after(left, resolve)
      const done = () => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
      volumes.onNextChange(done)
    })
  }
}

/** @throws Error when it never will be on this node */
function isBound({ metadata }: PersistentVolumeClaim, node: NodeInfo, volumes: VolumeState): boolean {
  const key = `${metadata.namespace}/${metadata.name}`
  const seen = volumes.claims.get(key)
  const isBehind = seen !== undefined && BigInt(seen.metadata.resourceVersion ?? 0) < BigInt(metadata.resourceVersion ?? 0)
  if (isBehind) return false
  if (!seen || seen.metadata.uid !== metadata.uid) throw new Error(`persistentvolumeclaim ${JSON.stringify(metadata.name)} is gone`)
  if (!isFullyBound(seen)) {
    if (metadata.annotations?.[SELECTED_NODE] !== undefined && seen.metadata.annotations?.[SELECTED_NODE] !== node.name)
      throw new Error(`provisioning failed for PVC ${JSON.stringify(metadata.name)}`)
    return false
  }
  const volume = volumes.volumes.get(seen.spec.volumeName ?? '')
  if (!volume) return false
  if (!isReachable(volume, node.node))
    throw new Error(`pv ${JSON.stringify(volume.metadata.name)} node affinity doesn't match node ${JSON.stringify(node.name)}`)
  return true
}
