import type { Pod, Volume } from '../../shared/openapi/generated/core-v1.ts'
import type { Freshness } from './referenced-objects.ts'
import type { VolumeUsage } from './volume-usage.ts'

/** A volume that containers can mount: a folder (or, for host paths, a file or device) on the node. */
export interface PreparedVolume {
  /** `hostPath` is a block device, which containers get as one (`volumeDevices`) and not mounted. */
  isDevice?: boolean
  hostPath: string
  /** Containers may never write, whatever their mount says (config maps, secrets, projections, read-only claims). */
  readOnly: boolean
  /** Its files are behind a network: whoever wants one asks first whether the server answers (`Mounter.condition`). */
  isRemote?: boolean
}

/** One volume of one pod. */
export interface VolumeRequest {
  pod: Pod
  volume: Volume
  /**
   * The volume's own folder (`volumeDirectory` of this type's `pluginName`). Not made yet on the first call; afterwards it
   * holds what the last call left, also across a restart of the kubelet.
   */
  directory: string
}

/**
 * A way to provide volumes. Adding one: one file implementing this, one entry in the list of `pod-volumes.ts`.
 * All calls are idempotent, and safe after the process died in any earlier call.
 */
export interface VolumeType {
  /** Names the folder of its volumes, e.g. `kubernetes.io/config-map`. */
  readonly pluginName: string
  supports(volume: Volume): boolean
  /**
   * Makes the volume usable, with owner and modes as the pod's `fsGroup` asks.
   * @throws VolumeError with a sentence for the pod's FailedMount event; the caller tries again with back-off.
   */
  prepare(request: VolumeRequest, signal: AbortSignal): Promise<PreparedVolume>
  /** Brings changing content (config maps, secrets, tokens) up to date, atomically. Absent: nothing ever changes. */
  refresh?(request: VolumeRequest, freshness: Freshness, signal: AbortSignal): Promise<void>
  /** What it holds. Absent, or undefined: that is not counted, or not here (emptyDirs on disk count as their pod's local storage). */
  usage?(request: VolumeRequest, signal: AbortSignal): Promise<VolumeUsage | undefined>
  /** Unmounts and deletes. Gets only the folder, because the pod and its objects may be long gone. Never touches host paths. */
  teardown(directory: string, signal: AbortSignal): Promise<void>
}

/** All volumes of a pod together: what the pod machinery calls. Implemented in `pod-volumes.ts` over the volume types. */
export interface PodVolumes {
  /** Every volume of the pod by name, ready to mount. @throws VolumeError */
  prepare(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, PreparedVolume>>
  /**
   * Called about once a minute for a running pod (`recent` will do), and before a container of it starts again (`now`). Failures are logged by
   * the implementation and tried again next time: what was there stays.
   */
  refresh(pod: Pod, freshness: Freshness, signal: AbortSignal): Promise<void>
  /** What the pod's volumes hold, by name; one that cannot be asked now is left out. */
  usage(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, VolumeUsage>>
  /** Tears down every volume found on disk for that pod. Called when none of its containers runs any more. */
  teardown(podUid: string, signal: AbortSignal): Promise<void>
}

/** A volume cannot be provided now. The message is what people read in the pod's events. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError'
  /** e.g. `FailedMount`. */
  readonly reason: string
  constructor(message: string, options: { reason?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.reason = options.reason ?? 'FailedMount'
  }
}
