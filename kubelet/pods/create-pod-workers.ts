import type { Client } from '../../shared/client/client.ts'
import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Informers } from '../../shared/informer/informer.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { amountsOf } from '../../shared/pods/resource-requests.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { type ContainerStarterOptions, containerStarter } from '../containers/container-starter.ts'
import { imagePuller } from '../images/image-puller.ts'
import type { ClusterDns, DnsConfig } from '../network/resolv-conf.ts'
import type { Prober } from '../probes/prober.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { mirrorPods } from '../static-pods/mirror-pods.ts'
import { type StaticPods, staticPods } from '../static-pods/static-pods.ts'
import { mirroredStatuses } from '../status/mirrored-statuses.ts'
import { statusWriter } from '../status/status-writer.ts'
import type { ReferencedObjects } from '../volumes/referenced-objects.ts'
import type { PodVolumes } from '../volumes/volume.ts'
import type { StorageUse } from './local-storage.ts'
import { type NodeStrain, podAdmission } from './pod-admission.ts'
import { type PodWorkers, podWorkers } from './pod-workers.ts'
import { Backoff } from './restart-backoff.ts'
import { runtimeHandlerFrom } from './runtime-handler.ts'
import type { SysctlNames } from './sysctl-names.ts'
import { Termination } from './termination.ts'

/** The pod's files on the node; a simulated node has none. */
export interface PodFiles {
  mounts: ContainerStarterOptions['mounts']
  remove(podUid: string): Promise<void>
  podsOnDisk(): Promise<string[]>
  /** What a pod takes of the disk. */
  storageUse?: (pod: Pod, runtime: ContainerRuntime, signal: AbortSignal) => Promise<StorageUse>
}

export interface PodMachineryOptions {
  nodeName: string
  runtime: ContainerRuntime
  /** As container ids are prefixed in the API, e.g. `docker`. */
  runtimeName: string
  volumes: PodVolumes
  files: PodFiles
  prober: Prober
  objects: ReferencedObjects
  client: Client
  informers: Informers
  events: EventRecorder
  /** Pods that the node runs by its own manifests. */
  statics?: StaticPods | undefined
  /** This node's own object, once it was seen. */
  node: () => Node | undefined
  clusterDns: ClusterDns
  /** Processes of a pod altogether; undefined or negative: as many as the machine has. */
  podPidsLimit?: number | undefined
  nodeDns: () => DnsConfig
  hostIPs: () => readonly string[]
  /** The machine confines programs by AppArmor; default no. */
  hasAppArmor?: () => boolean
  /** Kernel settings that pods may change beside the harmless ones. */
  allowedSysctls?: SysctlNames | undefined
  /** Pulls side by side; absent: the usual. */
  parallelPulls?: number | undefined
  /** What is short on this node; default nothing. */
  pressure?: NodeStrain['pressure']
  /** Called when something happened to a container. */
  onRuntimeEvent?: (() => void) | undefined
  /** The machine is about to go down; default no. */
  isShuttingDown?: NodeStrain['isShuttingDown'] | undefined
  /** Memory of the machine, by which the order of OOM kills is worked out. */
  memoryBytes: number
  clock: Clock
  log: Logger
  signal: AbortSignal
}

/** How soon what stood in the way of a pod's sandbox or volumes is tried again, in milliseconds. */
const SETBACKS = { first: 500, most: 60_000 }

/** Upstream's words to whom a critical pod takes its place. */
const PREEMPTED = 'Preempted in order to admit critical pod'

/** Wires everything that looks after pods. Asks the informers for what it reads, so call it before they start; starts nothing. */
export function createPodWorkers(options: PodMachineryOptions): PodWorkers {
  const { runtime, client, informers, events, clock, log, signal, nodeName } = options
  const measure = options.files.storageUse
  const services = informers.of('v1', 'Service')
  const images = imagePuller({ runtime, objects: options.objects, events, clock, parallelPulls: options.parallelPulls })
  const start = containerStarter({
    runtime,
    images,
    environment: {
      config: options.objects,
      services: () => services.cache.list(),
      allocatable: () => options.node()?.status.allocatable ?? {},
    },
    mounts: options.files.mounts,
    nodeMemoryBytes: () => amountsOf(options.node()?.status.capacity).get('memory') ?? options.memoryBytes,
    events,
    clock,
  })
  const pods = informers.of('v1', 'Pod', { fieldSelector: `spec.nodeName=${nodeName}` })
  const nodes = informers.of('v1', 'Node', { fieldSelector: `metadata.name=${nodeName}` })
  const machine = {
    ...{ hasAppArmor: options.hasAppArmor ?? (() => false), allowedSysctls: options.allowedSysctls },
    canLeaveGroupsOut: options.runtimeName === 'docker',
  }
  const statics = options.statics ?? staticPods([], log)
  const mirrors = mirrorPods({ nodeName, api: client, pods, nodes, statics, clock, log, signal })
  const workers = podWorkers({
    statics,
    onStaticGone: () => mirrors.wake(),
    onRuntimeEvent: options.onRuntimeEvent,
    // Services become variables, the node's object decides what fits: a pod started without them would be started wrongly.
    ready: () => informers.whenSynced(signal),
    pods,
    runtime,
    runtimeName: options.runtimeName,
    runtimeHandler: runtimeHandlerFrom(client),
    start,
    termination: new Termination({ runtime, events, clock, log }),
    images,
    volumes: options.volumes,
    prober: options.prober,
    admission: podAdmission(options.node, machine, {
      pressure: options.pressure ?? (() => new Set()),
      isShuttingDown: options.isShuttingDown ?? (() => false),
      makeRoom: (victims) => {
        for (const pod of victims) {
          events.record(pod, 'Warning', 'Preempting', PREEMPTED)
          workers
            .end(pod.metadata.uid ?? '', { phase: 'Failed', reason: 'Preempting', message: PREEMPTED, isDisruption: true })
            .catch((error: unknown) =>
              log.warn('a pod could not be ended for a critical one', { pod: pod.metadata.name, error: String(error) }),
            )
        }
      },
    }),
    statuses: mirroredStatuses(statusWriter(client, clock, log, signal), mirrors),
    api: client,
    crashes: new Backoff(clock),
    setbacks: new Backoff(clock, SETBACKS),
    clusterDns: options.clusterDns,
    podPidsLimit: options.podPidsLimit,
    nodeDns: options.nodeDns,
    hostIPs: options.hostIPs,
    removeFiles: options.files.remove,
    podsOnDisk: options.files.podsOnDisk,
    ...(measure ? { storageUse: (pod: Pod, until: AbortSignal) => measure(pod, runtime, until) } : {}),
    imageNames: new Map(),
    events,
    clock,
    log,
    signal,
  })
  return {
    ...workers,
    start() {
      mirrors.start(workers.has)
      workers.start()
    },
    async idle() {
      await workers.idle()
      await mirrors.idle()
    },
  }
}
