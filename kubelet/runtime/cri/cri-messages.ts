/**
 * Messages of cri.proto as they are here: names in camel case, enums by name, 64-bit numbers as decimal text in answers, absent messages
 * null. In requests everything may be left out; runtimes take the default.
 */

type Draft<T> = { [K in keyof T]?: (T[K] extends readonly unknown[] ? T[K] : T[K] extends object ? Draft<T[K]> : T[K]) | undefined }

type Texts = Record<string, string>

export interface PodSandboxMetadata {
  name: string
  uid: string
  namespace: string
  attempt: number
}

interface NamespaceOption {
  network: 'POD' | 'NODE'
  pid: 'POD' | 'CONTAINER' | 'NODE' | 'TARGET'
  ipc: 'POD' | 'NODE'
  targetId: string
}

interface SecurityProfile {
  profileType: 'RuntimeDefault' | 'Unconfined'
}

export type PodSandboxConfig = Draft<{
  metadata: PodSandboxMetadata
  hostname: string
  logDirectory: string
  dnsConfig: { servers: string[]; searches: string[]; options: string[] }
  portMappings: { protocol: 'TCP' | 'UDP' | 'SCTP'; containerPort: number; hostPort: number; hostIp?: string | undefined }[]
  labels: Texts
  annotations: Texts
  linux: {
    cgroupParent: string
    sysctls: Texts
    securityContext: { namespaceOptions: NamespaceOption; privileged: boolean; seccomp: SecurityProfile }
  }
}>

export interface LinuxContainerResources {
  cpuPeriod: number | string
  cpuQuota: number | string
  cpuShares: number | string
  memoryLimitInBytes: number | string
  oomScoreAdj: number | string
  memorySwapLimitInBytes: number | string
}

export type ContainerConfig = Draft<{
  metadata: { name: string; attempt: number }
  image: { image: string }
  command: string[]
  args: string[]
  workingDir: string
  envs: { key: string; value: Buffer }[]
  mounts: { containerPath: string; hostPath: string; readonly: boolean; propagation: string }[]
  devices: { containerPath: string; hostPath: string; permissions: string }[]
  labels: Texts
  logPath: string
  stdin: boolean
  stdinOnce: boolean
  tty: boolean
  linux: {
    resources: LinuxContainerResources
    securityContext: {
      capabilities: { addCapabilities: string[]; dropCapabilities: string[] }
      privileged: boolean
      namespaceOptions: NamespaceOption
      runAsUser: { value: number }
      runAsGroup: { value: number }
      runAsUsername: string
      readonlyRootfs: boolean
      supplementalGroups: number[]
      noNewPrivs: boolean
      maskedPaths: string[]
      readonlyPaths: string[]
      seccomp: SecurityProfile
    }
  }
}>

export interface PodSandboxStatus {
  id: string
  metadata: PodSandboxMetadata | null
  state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY'
  createdAt: string
  network: { ip: string; additionalIps: { ip: string }[] } | null
  labels: Texts
  annotations: Texts
}

export type PodSandbox = Omit<PodSandboxStatus, 'network' | 'annotations'>

export type CriContainerState = 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN'

export interface CriContainer {
  id: string
  podSandboxId: string
  metadata: { name: string; attempt: number } | null
  state: CriContainerState
  createdAt: string
  labels: Texts
}

export interface CriContainerStatus {
  id: string
  metadata: { name: string; attempt: number } | null
  state: CriContainerState
  createdAt: string
  startedAt: string
  finishedAt: string
  exitCode: number
  imageRef: string
  reason: string
  message: string
  labels: Texts
  logPath: string
  resources: { linux: LinuxContainerResources | null } | null
}

export interface CriImage {
  id: string
  repoTags: string[]
  repoDigests: string[]
  size: string
  uid: { value: string } | null
  username: string
  pinned: boolean
}

export interface RuntimeCondition {
  type: string
  status: boolean
  reason: string
  message: string
}

/** Asks with some fields, or none. */
type Call<Request, Response> = { request: Draft<Request>; response: Response }
type Selected = { filter: { labelSelector: Texts } }
type Nothing = Record<string, never>

/** The calls by name. */
export interface CriCalls {
  /** A stream. What happened is not said: it only makes us look. */
  GetContainerEvents: Call<Nothing, object>
  Version: Call<{ version: string }, { runtimeName: string; runtimeVersion: string; runtimeApiVersion: string }>
  Status: Call<{ verbose: boolean }, { status: { conditions: RuntimeCondition[] } | null; info: Texts }>
  RuntimeConfig: Call<Nothing, { linux: { cgroupDriver: 'SYSTEMD' | 'CGROUPFS' } | null }>
  RunPodSandbox: Call<{ config: PodSandboxConfig; runtimeHandler: string }, { podSandboxId: string }>
  StopPodSandbox: Call<{ podSandboxId: string }, Nothing>
  RemovePodSandbox: Call<{ podSandboxId: string }, Nothing>
  PodSandboxStatus: Call<{ podSandboxId: string; verbose: boolean }, { status: PodSandboxStatus | null; info: Texts }>
  ListPodSandbox: Call<Selected, { items: PodSandbox[] }>
  CreateContainer: Call<{ podSandboxId: string; config: ContainerConfig; sandboxConfig: PodSandboxConfig }, { containerId: string }>
  StartContainer: Call<{ containerId: string }, Nothing>
  StopContainer: Call<{ containerId: string; timeout: number }, Nothing>
  RemoveContainer: Call<{ containerId: string }, Nothing>
  ListContainers: Call<Selected, { containers: CriContainer[] }>
  ContainerStatus: Call<{ containerId: string; verbose: boolean }, { status: CriContainerStatus | null; info: Texts }>
  ContainerStats: Call<{ containerId: string }, { stats: { writableLayer: { usedBytes: { value: string } | null } | null } | null }>
  UpdateContainerResources: Call<{ containerId: string; linux: LinuxContainerResources }, Nothing>
  ReopenContainerLog: Call<{ containerId: string }, Nothing>
  Exec: Call<
    { containerId: string; cmd: readonly string[]; tty: boolean; stdin: boolean; stdout: boolean; stderr: boolean },
    { url: string }
  >
  Attach: Call<{ containerId: string; tty: boolean; stdin: boolean; stdout: boolean; stderr: boolean }, { url: string }>
  ListImages: Call<Nothing, { images: CriImage[] }>
  ImageStatus: Call<{ image: { image: string } }, { image: CriImage | null }>
  PullImage: Call<{ image: { image: string }; auth: { username: string; password: string; serverAddress: string } }, { imageRef: string }>
  RemoveImage: Call<{ image: { image: string } }, Nothing>
}
