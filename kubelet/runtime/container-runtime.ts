import type { Readable, Writable } from 'node:stream'
import type { GroupLimits } from './limit-group.ts'

/** CRI's nouns, so that a gRPC driver fits later: a sandbox is the pod's shared namespaces, containers join it. */
export type SandboxState = 'ready' | 'notReady'
export type ContainerState = 'created' | 'running' | 'exited'

export interface SandboxConfig {
  pod: { namespace: string; name: string; uid: string }
  /** Counts sandboxes of one pod; part of the runtime's name for it. */
  attempt: number
  hostname: string
  hostNetwork: boolean
  /** What the pod's runtime class calls the way its containers are run; absent: the runtime's default. */
  runtimeHandler?: string | undefined
  hostPID: boolean
  hostIPC: boolean
  /** Its containers share one process namespace. */
  sharedPID?: boolean | undefined
  /** One of its containers is privileged. */
  privileged?: boolean | undefined
  dns: { servers: string[]; searches: string[]; options: string[] }
  hostPorts: { hostPort: number; containerPort: number; protocol: 'TCP' | 'UDP' | 'SCTP'; hostIP?: string | undefined }[]
  /** Bits per second that the pod gets and sends at most. A runtime that wires pods by itself leaves this to its own network. */
  bandwidth?: { ingress?: number | undefined; egress?: number | undefined } | undefined
  sysctls: Record<string, string>
  /** cgroup parent path, e.g. `/kubepods/burstable/pod<uid>`; empty: the runtime's default. */
  cgroupParent: string
  /** Weight of the whole pod among others, in the unit of `ContainerConfig.resources.cpuShares`. */
  cpuShares: number
  /** What all containers of the pod may use together, where the pod says so itself. Units as of a container's. */
  limits?: { cpuQuota?: number | undefined; memoryBytes?: number | undefined; pids?: number | undefined } | undefined
  /** Kept on the sandbox; everything the kubelet must know after its own restart. */
  labels: Record<string, string>
}

export interface SandboxStatus {
  id: string
  state: SandboxState
  attempt: number
  pod: { namespace: string; name: string; uid: string }
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Pod addresses; empty for hostNetwork pods. */
  ips: string[]
  labels: Record<string, string>
}

export interface ContainerMount {
  source: string
  target: string
  readOnly: boolean
  propagation: 'private' | 'rslave' | 'rshared'
}

/** A block device of the node that a container sees under a path of its own. */
export interface ContainerDevice {
  source: string
  target: string
  readOnly: boolean
}

/** What a container may have, as far as it can change while it runs. */
export interface ContainerLimits {
  cpuShares?: number | undefined
  /** Microseconds of CPU in each 100 ms; undefined: no limit. */
  cpuQuota?: number | undefined
  memoryLimitBytes?: number | undefined
}

export interface ContainerConfig {
  name: string
  /** Restart count of the container in the pod. */
  attempt: number
  image: string
  command?: string[] | undefined
  args?: string[] | undefined
  workingDir?: string | undefined
  env: { name: string; value: string }[]
  mounts: ContainerMount[]
  devices: ContainerDevice[]
  tty: boolean
  stdin: boolean
  stdinOnce: boolean
  resources: ContainerLimits & { oomScoreAdjust: number }
  security: {
    user?: string | undefined
    groups: number[]
    privileged: boolean
    readOnlyRootFilesystem: boolean
    noNewPrivileges: boolean
    addCapabilities: string[]
    dropCapabilities: string[]
    seccomp: 'default' | 'unconfined'
  }
  /** Share the process namespace of the sandbox (shareProcessNamespace), of the machine (hostPID) or of another container. */
  pidNamespaceOf?: 'sandbox' | 'host' | { containerId: string } | undefined
  hostIPC: boolean
  /** Signal that asks the container to end, e.g. `SIGUSR1`; undefined: the image's, or TERM. */
  stopSignal?: string | undefined
  labels: Record<string, string>
}

export interface ContainerStatus {
  id: string
  sandboxId: string
  podUid: string
  name: string
  attempt: number
  state: ContainerState
  image: string
  /** The image's id or digest reference. */
  imageId: string
  createdAt: number
  startedAt?: number | undefined
  finishedAt?: number | undefined
  exitCode?: number | undefined
  /** Of an exited one: `Completed`, `Error`, `OOMKilled`, or `StartError` when its command could not be started. */
  reason?: string | undefined
  message?: string | undefined
  /** What it may have now; absent where the runtime does not say. */
  resources?: ContainerLimits | undefined
  labels: Record<string, string>
}

/** All pods, or one. */
export interface PodFilter {
  podUid?: string | undefined
}

export interface ContainerStats {
  containerId: string
  /** Nanoseconds of CPU used since the container started. */
  cpuNanoseconds: bigint
  memoryBytes: number
  workingSetBytes: number
  /** Anonymous memory. Absent where the runtime does not say; so are those below. */
  rssBytes?: number | undefined
  /** What it may use; absent: all there is. */
  memoryLimitBytes?: number | undefined
  pageFaults?: number | undefined
  majorPageFaults?: number | undefined
  /** When it was measured, milliseconds since the epoch. */
  measuredAt: number
}

/** Traffic of one network interface since it was made. */
export interface InterfaceStats {
  name: string
  rxBytes: number
  rxErrors: number
  txBytes: number
  txErrors: number
}

export interface LogOptions {
  follow: boolean
  timestamps: boolean
  tailLines?: number | undefined
  /** Milliseconds since the epoch. */
  since?: number | undefined
  limitBytes?: number | undefined
}

/** Streams of an exec or attach session. Absent ones are not connected. */
export interface SessionStreams {
  stdin?: Readable | undefined
  stdout?: Writable | undefined
  stderr?: Writable | undefined
  tty: boolean
  /** Terminal sizes as they change. */
  resize?: AsyncIterable<{ width: number; height: number }> | undefined
  signal: AbortSignal
}

export interface ImageStatus {
  id: string
  tags: string[]
  digests: string[]
  sizeBytes: number
  /** The user it runs as: a number or a name, `user:group`; absent or empty: root. */
  user?: string | undefined
  /** The runtime needs it itself; not to be removed. */
  pinned?: boolean | undefined
}

export interface RegistryCredentials {
  username: string
  password: string
  serverAddress: string
}

/** A change noticed by the runtime itself (a container started, died, was killed for memory). Listeners re-read. */
export interface RuntimeEvent {
  sandboxId: string | undefined
  containerId: string | undefined
  podUid: string | undefined
  what: 'started' | 'died' | 'oom' | 'removed' | 'reconnected'
}

/**
 * The contract between the kubelet and whatever runs containers. Every call is idempotent: stopping what is stopped and
 * removing what is gone succeed. Suite: test/contract/container-runtime.ts. Drivers: docker/docker-runtime.ts, cri/cri-runtime.ts, simulated-runtime.ts.
 */
export interface ContainerRuntime {
  version(signal: AbortSignal): Promise<{ name: string; version: string; apiVersion: string }>
  /** Creates and starts the sandbox and connects it to the pod network. A half-made sandbox is torn down before this throws. */
  runSandbox(config: SandboxConfig, signal: AbortSignal): Promise<SandboxStatus>
  stopSandbox(id: string, signal: AbortSignal): Promise<void>
  /** What is left of its containers may go with it. */
  removeSandbox(id: string, signal: AbortSignal): Promise<void>
  /** Ours only (by label), all states, newest attempt first within a pod. */
  listSandboxes(filter: PodFilter, signal: AbortSignal): Promise<SandboxStatus[]>
  createContainer(sandboxId: string, config: ContainerConfig, signal: AbortSignal): Promise<string>
  /** @throws RuntimeError `RunContainerError` when the command cannot be started; the container then counts as exited, `StartError`, 128. */
  startContainer(id: string, signal: AbortSignal): Promise<void>
  /**
   * Changes what a running container may have; what is undefined stays as it is. Succeeds for one that has ended.
   * @throws RuntimeError `ResizeError` when the runtime or the kernel refuses; then nothing has changed
   */
  updateContainer(id: string, limits: ContainerLimits, signal: AbortSignal): Promise<void>
  /** Changes the weight of a whole pod among others; absent where the runtime has no say in it. */
  weighSandbox?(id: string, cpuShares: number, signal: AbortSignal): Promise<void>
  /**
   * Limits all pods of the node together, those that come, too; absent where nothing can.
   * @throws Error where the machine does not let it
   */
  limitPods?(limits: GroupLimits): Promise<void>
  /** TERM (or the image's stop signal), then KILL after `graceSeconds`. */
  stopContainer(id: string, graceSeconds: number, signal: AbortSignal): Promise<void>
  removeContainer(id: string, signal: AbortSignal): Promise<void>
  /** Ours only, all states; newest attempt first within a container name. */
  listContainers(filter: PodFilter, signal: AbortSignal): Promise<ContainerStatus[]>
  containerStatus(id: string, signal: AbortSignal): Promise<ContainerStatus | undefined>
  /** Writes raw log bytes (stdout and stderr interleaved, timestamps in front of lines where asked); ends when the log ends or, following, when the container has ended. */
  logs(id: string, options: LogOptions, output: Writable, signal: AbortSignal): Promise<void>
  /** Runs a command; resolves with its exit code when it has ended. An abort kills the command. */
  exec(id: string, command: readonly string[], streams: SessionStreams): Promise<number>
  attach(id: string, streams: SessionStreams): Promise<void>
  /** A byte stream to a TCP port inside the sandbox's network namespace. */
  connectPort(sandboxId: string, port: number, signal: AbortSignal): Promise<import('node:stream').Duplex>
  /** Bytes that a container has written into its own file system and its log. */
  writtenBytes(id: string, signal: AbortSignal): Promise<number>
  /** Asked of every container of a node every few seconds: cheap, undefined for one that does not run. */
  stats(id: string, signal: AbortSignal): Promise<ContainerStats | undefined>
  /** Interfaces inside a sandbox's network namespace, loopback left out; absent where the runtime cannot say. */
  networkStats?(sandboxId: string, signal: AbortSignal): Promise<InterfaceStats[] | undefined>
  /** A folder of this machine on the file system that holds the images; absent where the runtime cannot say. */
  imageFolder?(signal: AbortSignal): Promise<string | undefined>
  /** The file of this machine that a container's output is written to; undefined: none yet. Absent where the runtime cannot say. */
  logPath?(id: string, signal: AbortSignal): Promise<string | undefined>
  listImages(signal: AbortSignal): Promise<ImageStatus[]>
  imageStatus(reference: string, signal: AbortSignal): Promise<ImageStatus | undefined>
  /** @throws RuntimeError with `reason` ErrImagePull, InvalidImageName, RegistryUnavailable. */
  pullImage(reference: string, credentials: RegistryCredentials | undefined, signal: AbortSignal): Promise<ImageStatus>
  removeImage(id: string, signal: AbortSignal): Promise<void>
  /** Live events until the signal aborts; after a lost connection a `reconnected` event says: read everything again. */
  events(listener: (event: RuntimeEvent) => void, signal: AbortSignal): void
}

/** A failure that the runtime explained; `reason` is what goes into a container's waiting or terminated state. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError'
  readonly reason: string
  constructor(reason: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.reason = reason
  }
}
