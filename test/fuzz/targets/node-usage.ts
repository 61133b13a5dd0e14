import { readResourceMetrics } from '../../../apiserver/usage/resource-sample.ts'
import { usageBetween } from '../../../apiserver/usage/usage-window.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const labels = '{container="main",namespace="default",pod="web-1"}'
const seed = [
  '# TYPE node_cpu_usage_seconds_total counter',
  'node_cpu_usage_seconds_total 12.5 1767225600000',
  'node_memory_working_set_bytes 1048576 1767225600000',
  `container_cpu_usage_seconds_total${labels} 1.5 1767225600000`,
  `container_memory_working_set_bytes${labels} 4096 1767225600000`,
  `container_start_time_seconds${labels} 1767225000`,
].join('\n')

/** What a node says of its usage: whatever it says, there is an answer, and what is answered is a number. */
const target: FuzzTarget = {
  seeds: [Buffer.from(seed)],
  words: ['node_', 'container_', '="', '",', '{', '} ', '\\"', ' NaN', ' -1', ' 1e308', ' Infinity', '\n', '# HELP '].map((word) =>
    Buffer.from(word),
  ),
  run(input) {
    const now = readResourceMetrics(input.toString(), 1)
    const before = readResourceMetrics(seed, 1)
    for (const { node, pods } of [usageBetween(before, now), usageBetween(now, before), usageBetween(undefined, now)]) {
      for (const used of [...(node ? [node] : []), ...[...pods.values()].flatMap((containers) => [...containers.values()])]) {
        if (!Number.isFinite(used.nanocores) || !Number.isFinite(used.memoryBytes)) throw new Error(`no number: ${JSON.stringify(used)}`)
      }
    }
  },
  isExpected: () => false,
}
export default target
