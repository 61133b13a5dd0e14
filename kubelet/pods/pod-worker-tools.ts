import type { Writer } from '../../shared/client/client.ts'
import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { ContainerStarter } from '../containers/container-starter.ts'
import type { ImagePuller } from '../images/image-puller.ts'
import type { ClusterDns, DnsConfig } from '../network/resolv-conf.ts'
import type { Prober } from '../probes/prober.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import type { StatusWriter } from '../status/status-writer.ts'
import type { PodVolumes } from '../volumes/volume.ts'
import type { PodAdmission } from './pod-admission.ts'
import type { Backoff } from './restart-backoff.ts'
import type { Termination } from './termination.ts'

/** What the workers of all pods share. */
export interface PodWorkerTools {
  runtime: ContainerRuntime
  /** What the pod's runtime class says; undefined for the default. @throws Error when the class cannot be had */
  runtimeHandler: (pod: Pod, signal: AbortSignal) => Promise<string | undefined>
  /** As container ids are prefixed in the API, e.g. `docker`. */
  runtimeName: string
  start: ContainerStarter
  termination: Termination
  images: ImagePuller
  volumes: PodVolumes
  prober: Prober
  admission: PodAdmission
  statuses: StatusWriter
  api: Pick<Writer, 'delete'>
  /** Crash loops, by `<pod uid>/<container>/<image>`. */
  crashes: Backoff
  /** Failures to make a sandbox or to mount volumes, by pod uid. */
  setbacks: Backoff
  clusterDns: ClusterDns
  podPidsLimit?: number | undefined
  nodeDns: () => DnsConfig
  hostIPs: () => readonly string[]
  /** Deletes the pod's folder, once nothing is mounted in it. */
  removeFiles: (podUid: string) => Promise<void>
  /** Public names of images by id, filled as they are met. */
  imageNames: Map<string, string>
  events: EventRecorder
  clock: Clock
  log: Logger
  /** The kubelet stops: workers leave everything as it is. */
  signal: AbortSignal
}
