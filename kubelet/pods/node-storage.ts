import type { Client } from '../../shared/client/client.ts'
import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { containerMounts } from '../containers/container-mounts.ts'
import { type CsiOptions, createCsi } from '../csi/create-csi.ts'
import { linuxMounter } from '../volumes/mounter.ts'
import { nodeFolders } from '../volumes/node-folders.ts'
import { volumesInUse } from '../volumes/persistent-claim.ts'
import { referencedObjects } from '../volumes/referenced-objects.ts'
import { serviceAccountTokens } from '../volumes/service-account-token.ts'
import { createPodVolumes } from '../volumes/volume-types.ts'
import type { PodFiles } from './create-pod-workers.ts'
import { measureStorage } from './measure-storage.ts'
import { podsOnDisk } from './orphan-removal.ts'
import { removePodFiles } from './pod-files.ts'

export interface NodeStorageOptions extends Pick<CsiOptions, 'reported' | 'settings'> {
  rootDir: string
  nodeName: string
  clusterDomain: string
  client: Client
  node(): Node | undefined
  events: EventRecorder
  clock: Clock
  log: Logger
}

/** What gives pods their files on this machine: volumes of every type, with the drivers and folders behind them. Starts nothing. */
export function nodeStorage({ rootDir, nodeName, clusterDomain, client, node, events, clock, log, ...ofCsi }: NodeStorageOptions) {
  const mounter = linuxMounter(clock)
  const objects = referencedObjects(client, clock)
  const tokens = serviceAccountTokens(client, clock, log)
  const folders = nodeFolders({ rootDir, nodeName, client, mounter, inUse: () => volumesInUse(rootDir), clock, log })
  const csi = createCsi({ rootDir, nodeName, client, tokens, mounter, clock, log, ...ofCsi })
  const allocatable = () => node()?.status.allocatable ?? {}
  const volumes = createPodVolumes({
    ...{ rootDir, client, objects, mounter, allocatable, folders, csiVolumes: csi.volumes, tokens, node, events, clock, log },
  })
  const files: PodFiles = {
    mounts: (input, signal) => containerMounts(input, { rootDir, clusterDomain, mounter }, signal),
    remove: (uid) => removePodFiles(rootDir, uid, mounter),
    podsOnDisk: () => podsOnDisk(rootDir),
    storageUse: (pod, runtime, signal) => measureStorage(pod, rootDir, runtime, signal),
  }
  return { mounter, objects, folders, csi, volumes, files }
}
