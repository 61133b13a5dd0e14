import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Node, PersistentVolume, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { VolumeAttachment } from '../../shared/openapi/generated/storage-v1.ts'
import { attachedNameOf, attachmentOfVolume } from '../../shared/volumes/attachments.ts'
import { claimKeysOf } from '../../shared/volumes/pod-claims.ts'
import { type AttachmentPlan, type NeededVolume, planAttachments } from '../plans/attachments.ts'
import { attachmentNews } from '../volumes/attachment-news.ts'
import { neededVolumes, volumesOf } from '../volumes/needed-volumes.ts'

/** Upstream looks ten times a second; nobody waits for that. */
const HELD_UP_MILLISECONDS = 5_000

/**
 * Asks the drivers' attachers, by VolumeAttachments, to bring volumes to the nodes whose pods need them, and to take them away when no pod does and the
 * node has let go of them. Says in each node's status what is attached. One key a node; what is known is written down in VolumeAttachments and Nodes.
 */
export default defineController({
  name: 'persistentvolume-attach-detach',
  serviceAccount: 'attachdetach-controller',
  reconciles: ['v1', 'Node'],
  create({ informers, client, events, clock, log, signal }) {
    const nodes = informers.of('v1', 'Node')
    const pods = informers.of('v1', 'Pod', {}, { node: (pod) => pod.spec.nodeName, claims: claimKeysOf })
    const claims = informers.of('v1', 'PersistentVolumeClaim')
    const volumes = informers.of('v1', 'PersistentVolume', {}, { called: attachedNameOf })
    const drivers = informers.of('storage.k8s.io/v1', 'CSIDriver')
    const attachments = informers.of(
      'storage.k8s.io/v1',
      'VolumeAttachment',
      {},
      { node: ({ spec }) => spec.nodeName, volume: ({ spec }) => spec.source.persistentVolumeName },
    )
    const lookups = {
      claim: (key: string) => claims.cache.get(key),
      volume: (name: string) => volumes.cache.get(name),
      driver: (name: string) => drivers.cache.get(name),
    }
    const news = attachmentNews(events)
    /** Since when nobody has needed an attachment. */
    const unneeded = new Map<string, number>()
    /**
     * Attachments that are asked for and that the cache may not show yet: two nodes must not be given one volume. Without a revision nobody knows whether
     * it was made. `volume`: as nodes call it.
     */
    const begun = new Map<string, { volume: string; nodeName: string; revision?: number }>()

    return {
      watch(enqueue) {
        const wake = (all: readonly Pod[]) => {
          for (const { spec } of all) if (spec.nodeName) enqueue(spec.nodeName)
        }
        const wakeUsers = (volume: PersistentVolume | undefined) => {
          const { namespace, name } = volume?.spec.claimRef ?? {}
          if (volume?.spec.csi && name) wake(pods.cache.lookup('claims', `${namespace}/${name}`))
        }
        pods.onChange((_key, current, previous) => {
          const pod = current ?? previous
          if (pod && claimKeysOf(pod).length > 0) wake([pod])
        })
        claims.onChange((key) => wake(pods.cache.lookup('claims', key)))
        volumes.onChange((name, current, previous) => {
          wakeUsers(current ?? previous)
          for (const { spec } of attachments.cache.lookup('volume', name)) enqueue(spec.nodeName)
        })
        drivers.onChange(() => {
          for (const { metadata } of nodes.cache.list()) enqueue(metadata.name ?? '')
        })
        attachments.onChange((key, current, previous) => {
          const { spec } = current ?? previous ?? {}
          if (spec) enqueue(spec.nodeName)
          if (current) return void begun.delete(key)
          unneeded.delete(key)
          news.forget(key)
          // Whoever was refused it may have it now.
          for (const volume of sameAs(volumes.cache.get(spec?.source.persistentVolumeName ?? ''))) wakeUsers(volume)
        })
      },

      async reconcile(nodeName) {
        await confirm(nodeName)
        const node = nodes.cache.get(nodeName)
        const needed = neededVolumes(pods.cache.lookup('node', nodeName), nodeName, lookups)
        const own = attachments.cache.lookup('node', nodeName)
        if (needed.length === 0 && own.length === 0 && !node?.status.volumesAttached?.length) return
        noteUnneeded(needed, own)
        const plan = planAttachments({
          ...{ nodeName, needed, attachments: own, exists: node !== undefined, volumeNamed: lookups.volume },
          isReady: isTrue(node?.status.conditions, 'Ready'),
          isOutOfService: node?.spec.taints?.some(({ key }) => key === 'node.kubernetes.io/out-of-service') ?? false,
          volumesInUse: node?.status.volumesInUse ?? [],
          volumesAttached: node?.status.volumesAttached ?? [],
          holders: (volume) => holdersOf(volume, nodeName),
          unneededFor: (name) => clock.monotonic() - (unneeded.get(name) ?? clock.monotonic()),
        })
        tellNews(node, own, needed, plan)
        // Before the first await: what is promised here no other node may be promised.
        const attaching = plan.attach.filter(({ name }) => !begun.has(name))
        for (const { name, volume } of attaching) begun.set(name, { volume: attachedNameOf(volume) ?? '', nodeName })
        if (node) await sayAttached(node, plan)
        for (const { metadata } of plan.awaited)
          log.debug('waiting for the node to let go of a volume', { node: nodeName, attachment: metadata.name })
        for (const attachment of plan.detach) await detach(attachment)
        const failures: unknown[] = []
        let isHeldUp = plan.refused.length > 0 || attaching.length < plan.attach.length
        for (const each of attaching) {
          await attach(each, nodeName).then(
            (isAsked) => {
              isHeldUp ||= !isAsked
            },
            (error: unknown) => failures.push(error),
          )
        }
        signal.throwIfAborted()
        if (failures.length > 0) throw failures[0]
        // What stands in the way may go without a change that anybody sees.
        const again = Math.min(
          plan.againMilliseconds ?? Number.POSITIVE_INFINITY,
          isHeldUp ? HELD_UP_MILLISECONDS : Number.POSITIVE_INFINITY,
        )
        return Number.isFinite(again) ? { requeueAfterMilliseconds: again } : undefined
      },
    }

    function noteUnneeded(needed: readonly NeededVolume[], own: readonly VolumeAttachment[]): void {
      const names = new Set(needed.map(({ name }) => name))
      for (const { metadata } of own) {
        const { name = '' } = metadata
        if (names.has(name)) unneeded.delete(name)
        else if (!unneeded.has(name)) unneeded.set(name, clock.monotonic())
      }
    }

    function holdersOf(volume: PersistentVolume, nodeName: string): string[] {
      const called = attachedNameOf(volume) ?? ''
      const holders = new Set<string>()
      for (const { metadata: same } of sameAs(volume))
        for (const { metadata, spec } of attachments.cache.lookup('volume', same.name ?? ''))
          if (metadata.name === attachmentOfVolume(volume, spec.nodeName)) holders.add(spec.nodeName)
      for (const [name, { volume: of, nodeName: by, revision }] of begun) {
        if (revision !== undefined && attachments.revision >= revision) begun.delete(name)
        else if (of === called) holders.add(by)
      }
      holders.delete(nodeName)
      return [...holders].sort()
    }

    /** The PersistentVolumes that stand for the same volume of the driver, this one among them. */
    function sameAs(volume: PersistentVolume | undefined): readonly PersistentVolume[] {
      const called = volume && attachedNameOf(volume)
      if (!volume || called === undefined) return []
      const found = volumes.cache.lookup('called', called)
      return found.some(({ metadata }) => metadata.name === volume.metadata.name) ? found : [...found, volume]
    }

    /** Settles what was begun for this node: whether it was made, and whether the cache shows it by now. */
    async function confirm(nodeName: string): Promise<void> {
      for (const [name, each] of begun) {
        if (each.nodeName !== nodeName) continue
        const revision = each.revision ?? (await revisionOf(name))
        if (revision === undefined || attachments.revision >= revision) begun.delete(name)
        else begun.set(name, { ...each, revision })
      }
    }

    async function revisionOf(name: string): Promise<number | undefined> {
      try {
        return Number((await client.get('storage.k8s.io/v1', 'VolumeAttachment', { name }, { signal })).metadata.resourceVersion)
      } catch (error) {
        if (hasReason(error, 'NotFound')) return undefined
        throw error
      }
    }

    function tellNews(
      node: Node | undefined,
      own: readonly VolumeAttachment[],
      needed: readonly NeededVolume[],
      { refused, volumesAttached }: AttachmentPlan,
    ): void {
      const before = new Set(node?.status.volumesAttached?.map(({ name }) => name))
      news.tellOutcomes(needed, own, new Set(volumesAttached.flatMap(({ name }) => (before.has(name) ? [] : name))))
      for (const { needed: each, holders } of refused) {
        const called = attachedNameOf(each.volume)
        const users = holders
          .flatMap((holder) => pods.cache.lookup('node', holder))
          .filter((pod) => volumesOf(pod, lookups).some((volume) => attachedNameOf(volume) === called))
        news.tellRefused(each, users)
      }
      news.keepRefusals(node?.metadata.name ?? '', new Set(refused.map(({ needed: { name } }) => name)))
    }

    /** Whether it is asked for; not when another leader gave the volume to another node, which the cache does not show yet. */
    async function attach({ name, volume, pods: users }: NeededVolume, nodeName: string): Promise<boolean> {
      const { name: persistentVolumeName = '' } = volume.metadata
      const spec = { attacher: volume.spec.csi?.driver ?? '', nodeName, source: { persistentVolumeName } }
      try {
        const made = await client.create('storage.k8s.io/v1', 'VolumeAttachment', { metadata: { name }, spec }, { signal })
        begun.set(name, { volume: attachedNameOf(volume) ?? '', nodeName, revision: Number(made.metadata.resourceVersion) })
        log.info('asked for a volume to be attached', { volume: persistentVolumeName, node: nodeName })
        return true
      } catch (error) {
        signal.throwIfAborted()
        if (hasReason(error, 'AlreadyExists')) {
          await confirm(nodeName)
          return true
        }
        if (hasReason(error, 'Conflict')) {
          begun.delete(name)
          log.info('another node has been given the volume', { volume: persistentVolumeName, node: nodeName, error })
          return false
        }
        // It may have been made; the next try asks.
        news.tellFailure(volume, users, error instanceof Error ? error.message : String(error))
        throw error
      }
    }

    async function detach({ metadata: { name = '', uid }, spec }: VolumeAttachment): Promise<void> {
      try {
        await client.delete('storage.k8s.io/v1', 'VolumeAttachment', { name }, { preconditions: { uid }, signal })
        log.info('asked for a volume to be detached', { volume: spec.source.persistentVolumeName, node: spec.nodeName })
      } catch (error) {
        if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
      }
    }

    /** On top of the Node that the plan was made from, where something goes: it may have begun to use it. */
    async function sayAttached({ metadata, status }: Node, { volumesAttached, detach: going }: AttachmentPlan): Promise<void> {
      if (sameJson(volumesAttached, status.volumesAttached ?? [])) return
      const { name = '', uid, resourceVersion } = metadata
      const body = { metadata: { uid, ...(going.length > 0 ? { resourceVersion } : {}) }, status: { volumesAttached } }
      await client.patch('v1', 'Node', { name }, { type: 'merge', subresource: 'status', body }, { signal })
    }
  },
})
