import type { SchedulingPlugin } from '../framework.ts'

const SMALLEST = 23 * 1024 * 1024
const LARGEST_PER_CONTAINER = 1000 * 1024 * 1024

/**
 * Prefers nodes that hold the images already, weighed by size and by how many nodes have them, so that one node with
 * a popular image does not draw every pod.
 */
export const imageLocality: SchedulingPlugin = {
  name: 'ImageLocality',
  freedBy: [],
  score(info, cluster) {
    const containers = [...(info.pod.spec.initContainers ?? []), ...info.pod.spec.containers]
    const nodes = cluster.list().length
    if (nodes < 2 || cluster.imageNodes.size === 0) return undefined
    const names = containers.map((container) => withTag(container.image ?? ''))
    const spread = names.map((name) => (cluster.imageNodes.get(name) ?? 0) / nodes)
    if (spread.every((share) => share === 0 || share === 1)) return undefined
    const largest = LARGEST_PER_CONTAINER * containers.length
    return (candidates, scores) => {
      for (const [index, node] of candidates.entries()) {
        const weighedBytes = names.reduce((sum, name, place) => sum + (node.images.get(name) ?? 0) * (spread[place] ?? 0), 0)
        scores[index] = ((Math.min(Math.max(weighedBytes, SMALLEST), largest) - SMALLEST) * 100) / (largest - SMALLEST)
      }
    }
  },
}

function withTag(image: string): string {
  return image.includes('@') || image.lastIndexOf(':') > image.lastIndexOf('/') ? image : `${image}:latest`
}
