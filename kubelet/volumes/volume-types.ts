import type { Client } from '../../shared/client/client.ts'
import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { configMap } from './config-map.ts'
import { csi } from './csi.ts'
import type { CsiVolumes } from './csi-volumes.ts'
import { downwardApi } from './downward-api.ts'
import { emptyDir } from './empty-dir.ts'
import { hostPath } from './host-path.ts'
import { localDevices } from './local-device.ts'
import type { Mounter } from './mounter.ts'
import { nfs } from './nfs.ts'
import type { NodeFolders } from './node-folders.ts'
import { persistentClaims } from './persistent-claim.ts'
import type { Allocatable } from './pod-fields.ts'
import { podVolumes } from './pod-volumes.ts'
import { projected } from './projected.ts'
import type { ReferencedObjects } from './referenced-objects.ts'
import { secret } from './secret.ts'
import type { ServiceAccountTokens } from './service-account-token.ts'
import type { PodVolumes } from './volume.ts'

export interface VolumesOptions {
  rootDir: string
  client: Client
  objects: ReferencedObjects
  mounter: Mounter
  /** The node's allocatable amounts, for downward API limits that are not set. */
  allocatable(): Allocatable
  folders: NodeFolders
  csiVolumes: CsiVolumes
  tokens: ServiceAccountTokens
  node(): Node | undefined
  events: EventRecorder
  clock: Clock
  log: Logger
}

/** Everything this node can mount. */
export function createPodVolumes({
  rootDir,
  client,
  objects,
  mounter,
  allocatable,
  folders,
  csiVolumes,
  tokens,
  node,
  events,
  clock,
  log,
}: VolumesOptions): PodVolumes {
  const devices = localDevices(mounter, clock)
  const types = [
    emptyDir(mounter),
    hostPath(),
    configMap(objects, mounter),
    secret(objects, mounter),
    downwardApi(allocatable, mounter),
    projected({ objects, tokens, allocatable, mounter }),
    persistentClaims({ client, mounter, folders, csiVolumes, rootDir, devices, growths: [devices, csiVolumes], events, node }),
    nfs(mounter),
    csi(csiVolumes),
  ]
  return podVolumes({ rootDir, types, mounter, onTeardown: tokens.forget, log })
}
