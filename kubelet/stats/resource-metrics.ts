import { cpuSeconds, family, type Sample } from './exposition.ts'
import type { MeasuredContainer, Usage } from './usage-meter.ts'

/** `/metrics/resource`: what the metrics API is made of. Names, labels and units are upstream's (KEP-727). */
export function resourceMetrics(usage: Usage): string {
  const { machine, at } = usage
  const containers = usage.pods.flatMap(({ pod, containers: own }) =>
    own.map((one) => ({ one, labels: { container: one.name, namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name ?? '' } })),
  )
  const ofContainers = (value: (one: MeasuredContainer) => number): Sample[] =>
    containers.map(({ one, labels }) => ({ labels, value: value(one), at: one.stats.measuredAt }))
  const pods = usage.pods.filter((one) => one.containers.length > 0)
  const ofPods = (value: (own: readonly MeasuredContainer[]) => number): Sample[] =>
    pods.map(({ pod, containers: own }) => ({
      labels: { namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name ?? '' },
      value: value(own),
      at: newest(own),
    }))
  return [
    family('node_cpu_usage_seconds_total', 'counter', 'CPU seconds the node has used.', [
      { value: cpuSeconds(machine.cpuNanoseconds), at },
    ]),
    family('node_memory_working_set_bytes', 'gauge', 'Working set of the node.', [{ value: machine.workingSetBytes, at }]),
    family(
      ...(['container_cpu_usage_seconds_total', 'counter', 'CPU seconds the container has used.'] as const),
      ofContainers(({ stats }) => cpuSeconds(stats.cpuNanoseconds)),
    ),
    family(
      ...(['container_memory_working_set_bytes', 'gauge', 'Working set of the container.'] as const),
      ofContainers(({ stats }) => stats.workingSetBytes),
    ),
    family(
      ...(['container_start_time_seconds', 'gauge', 'Start of the container in seconds since the epoch.'] as const),
      ofContainers(({ startedAt }) => startedAt / 1000),
    ),
    family(
      ...(['pod_cpu_usage_seconds_total', 'counter', 'CPU seconds the containers of the pod have used.'] as const),
      ofPods((own) => cpuSeconds(own.reduce((sum, { stats }) => sum + stats.cpuNanoseconds, 0n))),
    ),
    family(
      ...(['pod_memory_working_set_bytes', 'gauge', 'Working set of the containers of the pod.'] as const),
      ofPods((own) => own.reduce((sum, { stats }) => sum + stats.workingSetBytes, 0)),
    ),
    // Upstream renamed it; readers of both names are about.
    ...['scrape_error', 'resource_scrape_error'].map((name) =>
      family(name, 'gauge', '1 if some container could not be measured, 0 otherwise.', [{ value: usage.failures > 0 ? 1 : 0 }]),
    ),
  ].join('')
}

function newest(containers: readonly MeasuredContainer[]): number {
  return Math.max(...containers.map(({ stats }) => stats.measuredAt))
}
