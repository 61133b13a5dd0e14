import type { ContainerImage, NodeAddress, NodeCondition, NodeStatus, NodeSystemInfo } from '../../shared/openapi/generated/core-v1.ts'
import { formatQuantity, parseQuantity, quantityFromMilli, quantityFromValue } from '../../shared/quantity/quantity.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import type { ImageStatus } from '../runtime/container-runtime.ts'
import type { Capacity } from './capacity.ts'
import { PRESSURE_CONDITIONS, type PressureKind } from './pressure.ts'

/** Amounts that pods do not get. */
export interface Reserved {
  cpuMillis: number
  memoryBytes: number
  storageBytes: number
  /** Processes; absent: none are kept back. */
  pids?: number | undefined
}

/** Everything the kubelet has to say about its node at one moment. */
export interface Observation {
  capacity: Capacity
  /** Kept back from pods, for the kubelet, the engine and the system. */
  reserved: Reserved
  maxPods: number
  addresses: readonly NodeAddress[]
  /** Addresses that the Node has already are the cloud's, and stay (`--cloud-provider=external`). */
  keepsAddresses?: boolean | undefined
  /** Port of the kubelet's API; 0 while it is not served. */
  port: number
  info: NodeSystemInfo
  pressure: ReadonlySet<PressureKind>
  /** Why pods cannot run here, or empty. */
  problems: readonly string[]
  images: readonly ImageStatus[]
  /** Of attachable volumes (`volumesInUse`); absent: not known now, what was said stays. */
  volumesInUse?: readonly string[] | undefined
}

/** Upstream reports the largest fifty only. */
const MOST_IMAGES = 50
/** An image's names beyond this many say nothing new. */
const MOST_IMAGE_NAMES = 5

/** The parts of a node's status that the kubelet owns; the rest of `previous` is somebody else's and stays. */
export interface NodeReport extends Pick<NodeStatus, 'daemonEndpoints' | 'nodeInfo'> {
  capacity: Record<string, string>
  allocatable: Record<string, string>
  conditions: NodeCondition[]
  addresses: NodeAddress[]
  images: ContainerImage[]
  volumesInUse?: string[]
}

/** Pure: observation → the kubelet's half of the status. Transition times are kept from `previous` where nothing changed. */
export function nodeReport(observed: Observation, previous: NodeStatus | undefined, now: number): NodeReport {
  const capacity = resourceList(observed.capacity, observed.maxPods)
  const allocatable = resourceList(
    {
      cpuMillis: Math.max(0, observed.capacity.cpuMillis - observed.reserved.cpuMillis),
      memoryBytes: Math.max(0, observed.capacity.memoryBytes - observed.reserved.memoryBytes),
      storageBytes: Math.max(0, observed.capacity.storageBytes - observed.reserved.storageBytes),
    },
    observed.maxPods,
  )
  // Resources that somebody advertised on the node by patching its capacity: all of them may be used.
  for (const [name, amount] of Object.entries(previous?.capacity ?? {})) {
    if (!(name in capacity)) {
      capacity[name] = amount
      allocatable[name] = amount
    }
  }
  return {
    capacity,
    allocatable,
    conditions: conditions(observed).map((condition) => withTimes(condition, previous?.conditions, now)),
    addresses: [...((observed.keepsAddresses && previous?.addresses?.length ? previous.addresses : undefined) ?? observed.addresses)],
    daemonEndpoints: { kubeletEndpoint: { Port: observed.port } },
    nodeInfo: observed.info,
    images: imageList(observed.images),
    ...(observed.volumesInUse ? { volumesInUse: [...observed.volumesInUse] } : {}),
  }
}

function resourceList(size: Capacity, maxPods: number): Record<string, string> {
  return {
    cpu: formatQuantity(quantityFromMilli(size.cpuMillis)),
    // In Ki as /proc/meminfo counts, so that the figure is the one people know from upstream's nodes.
    memory: kibibytes(size.memoryBytes),
    'ephemeral-storage': kibibytes(size.storageBytes),
    pods: formatQuantity(quantityFromValue(maxPods)),
  }
}

/** As the API keeps it (`2Gi`, not `2097152Ki`): in another spelling the report would differ from what was stored at every look. */
function kibibytes(bytes: number): string {
  return formatQuantity(parseQuantity(`${Math.floor(bytes / 1024)}Ki`))
}

/** Order and words are upstream's; the order is what `kubectl describe node` shows. */
function conditions({ pressure, problems }: Observation): NodeCondition[] {
  const pressed = (kind: PressureKind, has: [string, string], hasNot: [string, string]): NodeCondition => {
    const [reason, message] = pressure.has(kind) ? has : hasNot
    return { type: PRESSURE_CONDITIONS[kind], status: pressure.has(kind) ? 'True' : 'False', reason, message }
  }
  return [
    pressed(
      'memory',
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ),
    pressed('disk', ['KubeletHasDiskPressure', 'kubelet has disk pressure'], ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure']),
    pressed(
      'pid',
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ),
    problems.length > 0
      ? { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: problems.join(', ') }
      : { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
  ]
}

function withTimes(condition: NodeCondition, previous: readonly NodeCondition[] | undefined, now: number): NodeCondition {
  const before = previous?.find((one) => one.type === condition.type)
  const since = before?.status === condition.status ? before.lastTransitionTime : undefined
  return { ...condition, lastHeartbeatTime: timestamp(now), lastTransitionTime: since ?? timestamp(now) }
}

function imageList(images: readonly ImageStatus[]): ContainerImage[] {
  return [...images]
    .sort((a, b) => b.sizeBytes - a.sizeBytes || (a.id < b.id ? -1 : 1))
    .slice(0, MOST_IMAGES)
    .map((image) => ({ names: [...image.digests, ...image.tags].slice(0, MOST_IMAGE_NAMES), sizeBytes: image.sizeBytes }))
}

/** True when the report says something that the status does not; heartbeat times do not count. */
export function differs(report: NodeReport, status: NodeStatus): boolean {
  const own = new Set(report.conditions.map((condition) => condition.type))
  const plain = (conditions: readonly NodeCondition[] | undefined) =>
    (conditions ?? [])
      .filter((condition) => own.has(condition.type))
      .map(({ type, status: value, reason, message }) => [type, value, reason, message].join('\n'))
      .sort()
  const images = (list: readonly ContainerImage[] | undefined) => (list ?? []).map((image) => [image.names, image.sizeBytes])
  const view = (status: NodeReport | NodeStatus) => [
    sorted(status.capacity),
    sorted(status.allocatable),
    plain(status.conditions),
    (status.addresses ?? []).map(({ type, address }) => [type, address]),
    status.daemonEndpoints.kubeletEndpoint.Port,
    sorted(status.nodeInfo),
    images(status.images),
    report.volumesInUse ? (status.volumesInUse ?? []) : [],
  ]
  return JSON.stringify(view(report)) !== JSON.stringify(view(status))
}

const sorted = (record: object | undefined) => Object.entries(record ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))

/**
 * As a strategic merge patch: conditions and amounts of others stay, our addresses and images replace what was there. What is no longer
 * part of the capacity is not allocatable either: a merge takes an amount away only when it is told to.
 */
export function reportPatch(report: NodeReport, previous: Pick<NodeStatus, 'allocatable' | 'addresses'>): unknown {
  const gone = Object.keys(previous.allocatable ?? {}).filter((name) => !(name in report.allocatable))
  const allocatable = { ...report.allocatable, ...Object.fromEntries(gone.map((name) => [name, null])) }
  const { addresses, ...rest } = report
  // Somebody else may write them at this moment.
  const isSame = JSON.stringify(addresses) === JSON.stringify(previous.addresses ?? [])
  return { status: { ...rest, allocatable, ...(isSame ? {} : { addresses: [{ $patch: 'replace' }, ...addresses] }) } }
}
