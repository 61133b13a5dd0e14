/** What one container had used at one moment. */
export interface ContainerSample {
  readonly cpuSeconds: number
  readonly memoryBytes: number
  /** Milliseconds since the epoch: when the kubelet looked. */
  readonly at: number
  /** Milliseconds since the epoch; undefined where the kubelet does not say. */
  readonly startedAt: number | undefined
}

/** What a node had used at one moment, as its `/metrics/resource` says. Whatever it left out is not there. */
export interface NodeSample {
  readonly node: ContainerSample | undefined
  /** By `namespace/pod`, then by container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, ContainerSample>>
}

type Partial<T> = { -readonly [P in keyof T]?: T[P] | undefined }

const LINE = /^(\w+)(?:\{(.*)\})? (\S+)(?: (\d+))?$/
/** Anchored, so that a word without an end is looked at once. */
const LABEL = /(?:^|,)(\w+)="((?:[^"\\]|\\.)*)"/g
/** Three names at their longest have 400 characters. */
const LONGEST_LINE = 2_000

/**
 * Reads Prometheus' text format as far as usage is concerned; lines that mean nothing here are passed over.
 * @param now stands in where a line carries no time of its own
 */
export function readResourceMetrics(text: string, now: number): NodeSample {
  const node: Partial<ContainerSample> = {}
  const pods = new Map<string, Map<string, Partial<ContainerSample>>>()
  for (const line of text.split('\n')) {
    if (line.length > LONGEST_LINE || !(line.startsWith('node_') || line.startsWith('container_'))) continue
    const match = LINE.exec(line)
    const [, name = '', labels = '', number = '', time] = match ?? []
    const value = Number(number)
    if (!match || !Number.isFinite(value) || value < 0) continue
    const [, scope = '', field = ''] = /^(node|container)_(.+)$/.exec(name) ?? []
    if (scope === 'node') note(node, field, value, time === undefined ? now : Number(time))
    else note(containerIn(pods, labels), field, value, time === undefined ? now : Number(time))
  }
  const complete = new Map<string, ReadonlyMap<string, ContainerSample>>()
  for (const [pod, containers] of pods) {
    const whole = [...containers].flatMap(([name, sample]) => (isWhole(sample) ? [[name, sample] as const] : []))
    // A pod with half of its containers would look idle: it is answered when all are known.
    if (whole.length > 0 && whole.length === containers.size) complete.set(pod, new Map(whole))
  }
  return { node: isWhole(node) ? node : undefined, pods: complete }
}

function containerIn(pods: Map<string, Map<string, Partial<ContainerSample>>>, labels: string): Partial<ContainerSample> {
  const named: Record<string, string> = {}
  for (const [, name, value] of labels.matchAll(LABEL)) if (name && value !== undefined) named[name] = value
  const { namespace = '', pod = '', container = '' } = named
  const key = `${namespace}/${pod}`
  const containers = pods.get(key) ?? new Map<string, Partial<ContainerSample>>()
  pods.set(key, containers)
  const sample = containers.get(container) ?? {}
  containers.set(container, sample)
  return sample
}

function note(sample: Partial<ContainerSample>, field: string, value: number, at: number): void {
  if (field === 'cpu_usage_seconds_total') Object.assign(sample, { cpuSeconds: value, at })
  else if (field === 'memory_working_set_bytes') sample.memoryBytes = value
  else if (field === 'start_time_seconds') sample.startedAt = value * 1000
}

function isWhole(sample: Partial<ContainerSample>): sample is ContainerSample {
  return sample.cpuSeconds !== undefined && sample.memoryBytes !== undefined && sample.at !== undefined
}
