import type { Capacity } from '../node/capacity.ts'
import type { InterfaceStats } from '../runtime/container-runtime.ts'
import { cpuSeconds, family, type Sample } from './exposition.ts'
import type { MeasuredContainer, Usage } from './usage-meter.ts'

/** Interfaces of pods by uid. */
export type PodInterfaces = ReadonlyMap<string, readonly InterfaceStats[]>

/** The part of `/metrics/cadvisor` that dashboards read: machine, containers, pods' traffic. Names and labels are cAdvisor's. */
export function cadvisorMetrics(usage: Usage, capacity: Capacity, interfaces: PodInterfaces): string {
  const containers = usage.pods.flatMap(({ pod, containers: own }) =>
    own.map((one) => {
      const { namespace = '', name = '' } = pod.metadata
      return { one, labels: { container: one.name, id: one.id, image: one.image, name: one.id, namespace, pod: name } }
    }),
  )
  const each = (value: (one: MeasuredContainer) => number | undefined, more: Record<string, string> = {}): Sample[] =>
    containers.flatMap(({ one, labels }) => {
      const found = value(one)
      return found === undefined ? [] : [{ labels: { ...labels, ...more }, value: found, at: one.stats.measuredAt }]
    })
  const traffic = (value: (one: InterfaceStats) => number): Sample[] =>
    usage.pods.flatMap(({ pod }) =>
      (interfaces.get(pod.metadata.uid ?? '') ?? []).map((one) => ({
        labels: { container: 'POD', interface: one.name, namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name ?? '' },
        ...{ value: value(one), at: usage.at },
      })),
    )
  return [
    family('machine_cpu_cores', 'gauge', 'CPUs of the node.', [{ value: capacity.cpuMillis / 1000 }]),
    family('machine_memory_bytes', 'gauge', 'Memory of the node.', [{ value: capacity.memoryBytes }]),
    family(
      ...(['container_cpu_usage_seconds_total', 'counter', 'CPU seconds used.'] as const),
      each(({ stats }) => cpuSeconds(stats.cpuNanoseconds), { cpu: 'total' }),
    ),
    family(
      'container_memory_usage_bytes',
      'gauge',
      'Memory in use, caches included.',
      each(({ stats }) => stats.memoryBytes),
    ),
    family(
      'container_memory_working_set_bytes',
      'gauge',
      'Working set.',
      each(({ stats }) => stats.workingSetBytes),
    ),
    family(
      'container_memory_rss',
      'gauge',
      'Anonymous memory.',
      each(({ stats }) => stats.rssBytes),
    ),
    family(
      ...(['container_spec_memory_limit_bytes', 'gauge', 'Memory limit; 0 for none.'] as const),
      each(({ stats }) => stats.memoryLimitBytes ?? 0),
    ),
    family(
      'container_start_time_seconds',
      'gauge',
      'Start, in seconds since the epoch.',
      each(({ startedAt }) => startedAt / 1000),
    ),
    family(
      'container_network_receive_bytes_total',
      'counter',
      'Bytes received.',
      traffic(({ rxBytes }) => rxBytes),
    ),
    family(
      'container_network_receive_errors_total',
      'counter',
      'Errors while receiving.',
      traffic(({ rxErrors }) => rxErrors),
    ),
    family(
      'container_network_transmit_bytes_total',
      'counter',
      'Bytes sent.',
      traffic(({ txBytes }) => txBytes),
    ),
    family(
      'container_network_transmit_errors_total',
      'counter',
      'Errors while sending.',
      traffic(({ txErrors }) => txErrors),
    ),
    family('container_scrape_error', 'gauge', '1 if some container could not be measured.', [{ value: usage.failures > 0 ? 1 : 0 }]),
  ].join('')
}
