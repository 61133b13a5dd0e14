import { IpRange } from '../../shared/addresses/ip-range.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { spelling } from './spelling.ts'

/** Under what a Node is found: its name and its addresses, each in its one spelling. */
export function nodeNames({ metadata, status }: Node): string[] {
  return [...new Set([metadata.name ?? '', ...(status.addresses ?? []).map(({ address }) => address)].map(spelling))]
}

/**
 * What no two Nodes have, as claims. Of pod ranges the equal ones: all of a cluster are cut to one length, and those of different lengths,
 * after somebody changed it, are compared in memory.
 */
export function nodeClaims(node: Node): string[] {
  const ranges = (node.spec.podCIDRs ?? []).flatMap((text) => IpRange.parse(text)?.bits ?? [])
  return [...nodeNames(node).map((name) => `node-names/${name}`), ...ranges.map((bits) => `pod-ranges/${bits}`)]
}
