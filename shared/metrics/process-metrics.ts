import type { Metrics } from './metrics.ts'

/** The figures every process reports under the names Prometheus' own clients use. */
export function addProcessMetrics(metrics: Metrics): void {
  metrics.gaugeFrom('process_resident_memory_bytes', 'Resident memory in bytes.', () => process.memoryUsage.rss())
  metrics.gaugeFrom('process_cpu_seconds_total', 'User and system CPU time in seconds.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  metrics.gaugeFrom('nodejs_heap_used_bytes', 'Heap in use in bytes.', () => process.memoryUsage().heapUsed)
  metrics.gaugeFrom('process_uptime_seconds', 'Seconds since the process began.', () => process.uptime())
}
