/**
 * Messages of csi.proto and plugin-registration.proto as they are here: names in camel case, enums by name, 64-bit numbers as decimal text in
 * answers, absent messages null. What a request leaves out has the interface's default.
 */

type Texts = Readonly<Record<string, string>>
type Nothing = Record<string, never>
interface Call<Request, Response> {
  request: Request
  response: Response
}

/** How many nodes and pods may use a volume, and how. */
export type CsiAccessMode =
  | 'UNKNOWN'
  | 'SINGLE_NODE_WRITER'
  | 'MULTI_NODE_READER_ONLY'
  | 'MULTI_NODE_MULTI_WRITER'
  | 'SINGLE_NODE_SINGLE_WRITER'
  | 'SINGLE_NODE_MULTI_WRITER'

/** Files, or a device as it is. */
export type VolumeCapability = { accessMode: { mode: CsiAccessMode } } & (
  | { mount: { fsType: string; mountFlags: readonly string[]; volumeMountGroup: string } }
  | { block: Nothing }
)

/** What a driver's node part can do; names that this kubelet does not know are of no use to it. */
export type NodeCapability =
  | 'STAGE_UNSTAGE_VOLUME'
  | 'GET_VOLUME_STATS'
  | 'EXPAND_VOLUME'
  | 'SINGLE_NODE_MULTI_WRITER'
  | 'VOLUME_MOUNT_GROUP'

export interface NodeInfo {
  nodeId: string
  /** 0: no limit. */
  maxVolumesPerNode: string
  accessibleTopology: { segments: Texts } | null
}

export interface VolumeUsage {
  available: string
  total: string
  used: string
  unit: 'UNKNOWN' | 'BYTES' | 'INODES'
}

/** The node service of a driver. */
export interface CsiNodeCalls {
  NodeGetInfo: Call<Nothing, NodeInfo>
  NodeGetCapabilities: Call<Nothing, { capabilities: { rpc: { type: string } | null }[] }>
  NodeStageVolume: Call<
    {
      volumeId: string
      publishContext: Texts
      stagingTargetPath: string
      volumeCapability: VolumeCapability
      secrets: Texts
      volumeContext: Texts
    },
    Nothing
  >
  NodeUnstageVolume: Call<{ volumeId: string; stagingTargetPath: string }, Nothing>
  NodePublishVolume: Call<
    {
      volumeId: string
      publishContext: Texts
      stagingTargetPath: string
      targetPath: string
      volumeCapability: VolumeCapability
      readonly: boolean
      secrets: Texts
      volumeContext: Texts
    },
    Nothing
  >
  NodeUnpublishVolume: Call<{ volumeId: string; targetPath: string }, Nothing>
  NodeGetVolumeStats: Call<{ volumeId: string; volumePath: string; stagingTargetPath: string }, { usage: VolumeUsage[] }>
  NodeExpandVolume: Call<
    {
      volumeId: string
      volumePath: string
      stagingTargetPath: string
      capacityRange: { requiredBytes: string }
      volumeCapability: VolumeCapability
      secrets: Texts
    },
    { capacityBytes: string }
  >
}

/** What a plug-in says of itself. */
export interface PluginInfo {
  /** `CSIPlugin` or `DevicePlugin`. */
  type: string
  name: string
  /** Path of the socket that it works on; empty: the one that it registered by. */
  endpoint: string
  supportedVersions: string[]
}

export interface RegistrationCalls {
  GetInfo: Call<Nothing, PluginInfo>
  NotifyRegistrationStatus: Call<{ pluginRegistered: boolean; error: string }, Nothing>
}
