import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { NodeMetrics, PodMetrics } from '../../shared/openapi/generated/metrics-v1beta1.ts'
import { formatQuantity } from '../../shared/quantity/quantity.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import type { ResourceUsage } from '../registry/define-resource.ts'
import { NodeScraper, type ScraperTools } from './node-scraper.ts'
import type { UsedInWindow } from './usage-window.ts'

const API = 'metrics.k8s.io/v1beta1'

/** What nodes and pods use, as the metrics API says it (k8s.io/metrics; metrics-server's answers). */
export function resourceUsage(tools: ScraperTools): ResourceUsage {
  const scraper = new NodeScraper(tools)
  return {
    async ofNodes(nodes) {
      const usage = await scraper.usageOf(nodes.filter(isReachable).map(({ metadata }) => metadata.name ?? ''))
      return nodes.flatMap((node) => {
        const used = usage.get(node.metadata.name ?? '')?.node
        return used ? [nodeMetrics(node, used, tools.clock.now())] : []
      })
    },
    async ofPods(pods) {
      const running = pods.filter(({ spec, status }) => spec.nodeName && status.phase === 'Running')
      const usage = await scraper.usageOf(new Set(running.map(({ spec }) => spec.nodeName ?? '')))
      return running.flatMap((pod) => {
        // Only its own node is asked about a pod: others may say what they want.
        const used = usage.get(pod.spec.nodeName ?? '')?.pods.get(`${pod.metadata.namespace}/${pod.metadata.name}`)
        return used ? [podMetrics(pod, used, tools.clock.now())] : []
      })
    },
  }
}

/** The node controller has lost the others; asking them would cost each question its patience. */
function isReachable({ status }: Node): boolean {
  return status.conditions?.find(({ type }) => type === 'Ready')?.status !== 'Unknown'
}

function nodeMetrics({ metadata }: Node, used: UsedInWindow, now: number): NodeMetrics {
  const { name, labels } = metadata
  return {
    ...{ apiVersion: API, kind: 'NodeMetrics', metadata: { name, creationTimestamp: timestamp(now), ...(labels ? { labels } : {}) } },
    ...{ timestamp: timestamp(used.at), window: durationText(used.window), usage: amounts(used) },
  }
}

function podMetrics({ metadata }: Pod, used: ReadonlyMap<string, UsedInWindow>, now: number): PodMetrics {
  const { name, namespace, labels } = metadata
  // The window of a pod is that of its container which was seen first: the others' lie inside it.
  const earliest = [...used.values()].reduce((a, b) => (b.at < a.at ? b : a))
  return {
    ...{ apiVersion: API, kind: 'PodMetrics' },
    metadata: { name, namespace, creationTimestamp: timestamp(now), ...(labels ? { labels } : {}) },
    ...{ timestamp: timestamp(earliest.at), window: durationText(earliest.window) },
    containers: [...used].map(([container, one]) => ({ name: container, usage: amounts(one) })),
  }
}

const KIBIBYTE = 1024

function amounts({ nanocores, memoryBytes }: UsedInWindow): Record<string, string> {
  return { cpu: formatQuantity({ nano: BigInt(nanocores), format: 'DecimalSI' }), memory: `${Math.floor(memoryBytes / KIBIBYTE)}Ki` }
}

/** As Go writes durations: `15.02s`, `1m12.5s`. */
function durationText(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000)
  const seconds = (milliseconds - minutes * 60_000) / 1000
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}
