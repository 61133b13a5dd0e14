import { join } from 'node:path'
import { readFileIfPresent, writeFileIfDifferent } from '../../shared/certificates/atomic-file.ts'
import type { Informer } from '../../shared/informer/informer.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { podRangesOf } from '../../shared/pods/pod-routes.ts'

/**
 * The ranges that this node gives addresses to pods from, one a family, the primary one first: what its Node says, and until that is known what it said
 * last, because static pods start before anybody can be asked. Empty where nobody has said any. Call it before the informers start.
 */
export function podRanges(nodes: Informer<Node>, nodeName: string, rootDir: string): () => readonly string[] {
  const file = join(rootDir, 'pod-range')
  const remembered = (readFileIfPresent(file) ?? '').split('\n').filter((line) => line !== '')
  nodes.onChange((_key, current) => {
    const ranges = current?.metadata.name === nodeName ? podRangesOf(current) : []
    if (ranges.length > 0) writeFileIfDifferent(file, ranges.map((range) => `${range}\n`).join(''))
  })
  return () => {
    if (!nodes.synced) return remembered
    const node = nodes.cache.get(nodeName)
    return node ? podRangesOf(node) : []
  }
}
