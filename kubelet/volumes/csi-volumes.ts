import { mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Client } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { isRefused } from '../../shared/grpc/grpc-client.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Pod, SecretReference } from '../../shared/openapi/generated/core-v1.ts'
import type { CSIDriver } from '../../shared/openapi/generated/storage-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import { attachmentName } from '../../shared/volumes/attachments.ts'
import { capacityOf } from '../../shared/volumes/matching.ts'
import type { CsiDrivers } from '../csi/csi-drivers.ts'
import type { CsiInUse } from './csi-in-use.ts'
import { publishPath } from './csi-paths.ts'
import { type CsiRecord, csiUses, readRecord, recordedVolume, writeRecord } from './csi-records.ts'
import { csiStages, keyOf, removeDevice, removeEmpty } from './csi-stages.ts'
import { driverUsage } from './csi-usage.ts'
import {
  type CsiVolume,
  capabilityOf,
  checkLifecycle,
  csiVolumeOfPersistent,
  isGivenToGroup,
  needsAttachment,
  podInfo,
} from './csi-volume.ts'
import { orMissing } from './folders.ts'
import type { Mounter } from './mounter.ts'
import { InfeasibleGrowth, type NodeGrowth } from './node-growth.ts'
import { fsGroupOf, giveOnce } from './ownership.ts'
import type { ServiceAccountTokens } from './service-account-token.ts'
import { Turns } from './turns.ts'
import { type PreparedVolume, VolumeError } from './volume.ts'
import type { VolumeUsage } from './volume-usage.ts'

const SWEEP_MILLISECONDS = 15_000
/** How long an attachment is waited for before the pod's event says so, and how often it is looked at. */
const ATTACHMENT = { patience: 30_000, every: 500 }
/** gRPC's, as attachers hand it on. */
const RESOURCE_EXHAUSTED = 8
/** A token's life when the driver does not say. */
const TOKEN_SECONDS = 3600

export interface CsiVolumesOptions {
  rootDir: string
  nodeName: string
  client: Pick<Client, 'get'>
  drivers: CsiDrivers
  inUse: CsiInUse
  /** Told of drivers that attach no more volumes to this node. */
  exhausted?: ((driver: string) => void) | undefined
  tokens: Pick<ServiceAccountTokens, 'issued'>
  mounter: Pick<Mounter, 'mountsUnder'>
  clock: Clock
  log: Logger
}

/** Volumes that a driver on this node brings and takes back. */
export interface CsiVolumes extends NodeGrowth {
  /** @param directory the volume's folder in the pod @throws VolumeError */
  publish(pod: Pod, volume: CsiVolume, directory: string, signal: AbortSignal): Promise<PreparedVolume>
  /** Whether the driver wants to be called again and again for what is in this folder (`requiresRepublish`). */
  wantsMore(directory: string, signal: AbortSignal): Promise<boolean>
  /** Whether the folder is a driver's volume. */
  has(directory: string): Promise<boolean>
  /** What the driver says that it holds; undefined when it does not count, or is away. @throws GrpcError */
  usage(directory: string, signal: AbortSignal): Promise<VolumeUsage | undefined>
  /** Takes it back from the pod, and from the node if no other pod has it. */
  unpublish(directory: string, signal: AbortSignal): Promise<void>
  /** Takes back what nobody has, again and again until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

export function csiVolumes(options: CsiVolumesOptions): CsiVolumes {
  const { rootDir, nodeName, client, drivers, inUse, exhausted, tokens, mounter, clock, log } = options
  const turns = new Turns()
  const stages = csiStages({ rootDir, drivers, mounter, turns, log })

  return {
    async publish(pod, volume, directory, signal) {
      drivers.get(volume.driver)
      const settings = await settingsOf(volume.driver, signal)
      checkLifecycle(volume, settings)
      const target = publishPath(rootDir, pod.metadata.uid ?? '', volume)
      const given = async () =>
        volume.isBlock ? deviceAt(target) : (await mounter.mountsUnder(target)).includes(target) ? target : undefined
      const prepared = (hostPath: string) => ({ hostPath, readOnly: volume.readOnly, ...(volume.isBlock ? { isDevice: true } : {}) })
      // A running pod's volume stays as it is, also while its driver or its attachment is away.
      const before = (await readRecord(directory)) && (await given())
      if (before && !settings?.spec.requiresRepublish) return prepared(before)
      const publish = (publishContext: Record<string, string>) =>
        turns.take(keyOf(volume), () => bring(pod, volume, { directory, target, settings, publishContext }, signal))
      // First in use, then looked whether it is attached: what is in use is not detached.
      if (needsAttachment(volume, settings)) await inUse.during(volume, async () => publish(await attached(volume, signal)), signal)
      else await publish({})
      if (!volume.isBlock) return prepared(target)
      const device = await given()
      if (!device) throw new VolumeError(`driver ${volume.driver} put no block device at ${target}`, { reason: 'FailedMapVolume' })
      return prepared(device)
    },

    async wantsMore(directory, signal) {
      const record = await readRecord(directory)
      return record !== undefined && ((await settingsOf(record.driverName, signal))?.spec.requiresRepublish ?? false)
    },

    has: async (directory) => (await readRecord(directory)) !== undefined,

    async usage(directory, signal) {
      const record = await readRecord(directory)
      if (!record || !drivers.has(record.driverName)) return undefined
      const volume = recordedVolume(record)
      const stagingPath = record.volumeLifecycleMode === 'Ephemeral' ? '' : stages.path(volume)
      const place = { handle: volume.handle, path: placeInPod(directory, record), stagingPath }
      return driverUsage(drivers.get(volume.driver), place, signal)
    },

    async unpublish(directory, signal) {
      const record = await readRecord(directory)
      const mountPoint = join(directory, 'mount')
      if (!record) return removeEmpty(mountPoint, directory, mounter)
      const volume = recordedVolume(record)
      const target = placeInPod(directory, record)
      await turns.take(keyOf(volume), async () => {
        await drivers.get(volume.driver).call('NodeUnpublishVolume', { volumeId: volume.handle, targetPath: target }, { signal })
        if (volume.isBlock) await removeDevice(target, mounter)
        await removeEmpty(mountPoint, directory, mounter)
        await stages.release(volume, signal).catch((error: unknown) => {
          signal.throwIfAborted()
          log.warn('a volume could not be taken back from the node; trying again', { ...volume, error })
        })
      })
      inUse.changed()
    },

    supports: ({ spec }) => spec.csi !== undefined,
    async grow({ volume: persistent }, signal) {
      const volume = csiVolumeOfPersistent(persistent, false)
      if (!volume) return
      const driver = drivers.get(volume.driver)
      const capabilities = await driver.capabilities(signal)
      if (!capabilities.has('EXPAND_VOLUME')) return
      const use = (await csiUses(rootDir)).find(({ record }) => keyOf(recordedVolume(record)) === keyOf(volume))
      if (!use) throw new VolumeError(`volume ${volume.specName} is not mounted on this node`)
      const request = {
        ...{ volumeId: volume.handle, volumePath: publishPath(rootDir, use.podUid, volume) },
        stagingTargetPath: capabilities.has('STAGE_UNSTAGE_VOLUME') ? stages.path(volume) : '',
        capacityRange: { requiredBytes: String(capacityOf(persistent).nano / 1_000_000_000n) },
        ...{ volumeCapability: capabilityOf(volume, capabilities, undefined), secrets: await secretsOf(volume.expandSecret, signal) },
      }
      await turns.take(keyOf(volume), async () => {
        try {
          await driver.call('NodeExpandVolume', request, { signal })
        } catch (error) {
          if (isRefused(error)) throw new InfeasibleGrowth(error instanceof Error ? error.message : String(error), { cause: error })
          throw error
        }
      })
    },

    async run(signal) {
      while (!signal.aborted) {
        await stages.sweep(signal).catch((error: unknown) => {
          if (!signal.aborted) log.warn('volumes of CSI drivers could not be looked through; trying again', { error })
        })
        await pause(clock, SWEEP_MILLISECONDS, signal)
      }
    },
  }

  function placeInPod(directory: string, record: CsiRecord): string {
    const volume = recordedVolume(record)
    return volume.isBlock ? publishPath(rootDir, record.podUID ?? '', volume) : join(directory, 'mount')
  }

  async function bring(
    pod: Pod,
    volume: CsiVolume,
    how: { directory: string; target: string; settings: CSIDriver | undefined; publishContext: Record<string, string> },
    signal: AbortSignal,
  ): Promise<void> {
    const { directory, target, settings, publishContext } = how
    const driver = drivers.get(volume.driver)
    const capabilities = await driver.capabilities(signal)
    const group = fsGroupOf(pod)
    const isDrivers = capabilities.has('VOLUME_MOUNT_GROUP')
    const volumeCapability = capabilityOf(volume, capabilities, isDrivers ? group : undefined)
    const ofPod = await tokensFor(pod, settings, signal)
    // Drivers log their contexts, and not their secrets.
    const isSecret = settings?.spec.serviceAccountTokenInSecrets ?? false
    const secrets = { ...(await secretsOf(volume.publishSecret, signal)), ...(isSecret ? ofPod : {}) }
    const volumeContext = {
      ...volume.attributes,
      ...(settings?.spec.podInfoOnMount ? podInfo(pod, volume) : {}),
      ...(isSecret ? {} : ofPod),
    }
    // First the record: from here on the volume is in use.
    await mkdir(directory, { recursive: true, mode: 0o750 })
    await writeRecord(directory, {
      ...{ specVolID: volume.specName, volumeHandle: volume.handle, driverName: volume.driver },
      ...{ nodeName, volumeLifecycleMode: volume.lifecycle },
      ...(volume.isBlock ? { volumeMode: 'Block', podUID: pod.metadata.uid } : {}),
    })
    if (volume.isBlock) await mkdir(dirname(target), { recursive: true, mode: 0o750 })
    let stagingTargetPath = ''
    if (volume.lifecycle === 'Persistent' && capabilities.has('STAGE_UNSTAGE_VOLUME')) {
      const stageSecrets = await secretsOf(volume.stageSecret, signal)
      const stage = { publishContext, volumeCapability, secrets: stageSecrets, volumeContext: volume.attributes }
      stagingTargetPath = await stages.ensure(volume, stage, signal)
    }
    const request = { publishContext, stagingTargetPath, volumeCapability, secrets, volumeContext }
    const named = { volumeId: volume.handle, targetPath: target, readonly: volume.readOnly }
    await driver.call('NodePublishVolume', { ...request, ...named }, { signal })
    if (!isDrivers && isGivenToGroup(volume, settings)) await giveOnce(target, group, pod.spec.securityContext?.fsGroupChangePolicy)
  }

  async function settingsOf(name: string, signal: AbortSignal): Promise<CSIDriver | undefined> {
    try {
      return await client.get('storage.k8s.io/v1', 'CSIDriver', { name }, { signal })
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined
      throw error
    }
  }

  /** What the attacher has to say to the node. @throws VolumeError when the volume does not get attached in time */
  async function attached(volume: CsiVolume, signal: AbortSignal): Promise<Record<string, string>> {
    const name = attachmentName(volume, nodeName)
    const end = clock.monotonic() + ATTACHMENT.patience
    let why = ''
    while (clock.monotonic() < end) {
      const attachment = await client.get('storage.k8s.io/v1', 'VolumeAttachment', { name }, { signal }).catch((error: unknown) => {
        // What is not there yet is nobody's to read.
        if (hasReason(error, 'NotFound') || hasReason(error, 'Forbidden')) return undefined
        throw error
      })
      const isThere = attachment?.status.attached && !attachment.metadata.deletionTimestamp
      if (isThere && inUse.isAttached(volume)) return attachment.status.attachmentMetadata ?? {}
      if (attachment?.status.attachError?.errorCode === RESOURCE_EXHAUSTED) exhausted?.(volume.driver)
      why = isThere ? 'Volume not attached according to node status' : (attachment?.status.attachError?.message ?? '')
      await clock.sleep(ATTACHMENT.every, signal)
    }
    const waiting = `timed out waiting for external-attacher of ${volume.driver} CSI driver to attach volume ${volume.handle}`
    throw new VolumeError(why ? `${waiting}: ${why}` : waiting)
  }

  async function secretsOf(reference: SecretReference | undefined, signal: AbortSignal): Promise<Record<string, string>> {
    if (!reference?.name) return {}
    const { namespace = '', name } = reference
    const { data } = await client.get('v1', 'Secret', { namespace, name }, { signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      const message = error instanceof Error ? error.message : String(error)
      throw new VolumeError(`failed to get secret ${namespace}/${name}: ${message}`, { cause: error })
    })
    return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
  }

  /** As `storage.k8s.io/v1 CSIDriverSpec.tokenRequests` has it. */
  async function tokensFor(pod: Pod, settings: CSIDriver | undefined, signal: AbortSignal): Promise<Record<string, string>> {
    const requests = settings?.spec.tokenRequests ?? []
    if (requests.length === 0) return {}
    const entries: [string, object][] = []
    for (const { audience, expirationSeconds = TOKEN_SECONDS } of requests) {
      const { token, expiresAt } = await tokens.issued(pod, { audience, expirationSeconds }, signal)
      entries.push([audience, { token, expirationTimestamp: new Date(expiresAt).toISOString().replace(/\.\d+Z$/, 'Z') }])
    }
    return { 'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify(Object.fromEntries(entries)) }
  }
}

/** The block device that a driver put there, links resolved: runtimes follow none. Undefined: none is there. */
async function deviceAt(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(orMissing)
  return found?.isBlockDevice() ? realpath(path) : undefined
}
