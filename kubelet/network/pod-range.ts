import { join } from 'node:path'
import { readFileIfPresent, writeFileIfDifferent } from '../../shared/certificates/atomic-file.ts'
import type { Informer } from '../../shared/informer/informer.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'

/**
 * The addresses that this node gives to pods: what its Node says, and until that is known what it said last, because static pods start before
 * anybody can be asked. Call it before the informers start.
 */
export function podRange(nodes: Informer<Node>, nodeName: string, rootDir: string): () => string | undefined {
  const file = join(rootDir, 'pod-range')
  const remembered = readFileIfPresent(file)?.trim() || undefined
  nodes.onChange((_key, current) => {
    if (current?.metadata.name === nodeName && current.spec.podCIDR) writeFileIfDifferent(file, `${current.spec.podCIDR}\n`)
  })
  return () => (nodes.synced ? nodes.cache.get(nodeName)?.spec.podCIDR : remembered)
}
