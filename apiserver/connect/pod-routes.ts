import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { ObjectReader } from '../registry/object-reader.ts'

/** Runs `ip` with these arguments. @throws Error when it fails */
export type RunIp = (args: readonly string[]) => Promise<void>

/** The machine's own `ip`. */
export const machineIp: RunIp = async (args) => {
  await promisify(execFile)('ip', [...args])
}

export interface PodRoutesOptions {
  readonly reader: ObjectReader
  /** All pod addresses. Those of no known node lead nowhere: the default gateway might answer for them. */
  readonly range: string
  readonly ip: RunIp
  readonly log: Logger
}

/**
 * Keeps routes to the nodes' pod ranges on the API server's machine, so that proxying to pods and Services reaches them. The kernel's table
 * dies with the container and is written anew from the nodes; a route that could not be set is tried again with the node's next change,
 * which its status brings every few minutes.
 * @returns the end of it
 */
export function keepPodRoutes({ reader, range, ip, log }: PodRoutesOptions): () => void {
  const applied = new Map<string, string>()
  // One at a time and in order: each change of a node may replace the one before.
  let last: Promise<void> = Promise.resolve()
  const soon = (change: () => Promise<void>) => {
    last = last.then(change).catch((error) => log.warn('a route to pods could not be set', { error: String(error) }))
  }
  soon(() => ip(['route', 'replace', 'blackhole', range, 'metric', '4000']))
  return reader.follow('v1', 'Node', (current, previous) => {
    const route = current && routeOf(current)
    const before = previous && routeOf(previous)
    if (before && before.range !== route?.range) {
      soon(async () => {
        if (applied.delete(before.range)) await ip(['route', 'del', before.range])
      })
    }
    if (!route) return
    soon(async () => {
      if (applied.get(route.range) === route.via) return
      await ip(['route', 'replace', route.range, 'via', route.via])
      applied.set(route.range, route.via)
    })
  })
}

function routeOf({ spec, status }: Node): { range: string; via: string } | undefined {
  const via = status.addresses?.find(({ type, address }) => type === 'InternalIP' && !address.includes(':'))?.address
  return via && spec.podCIDR && !spec.podCIDR.includes(':') ? { range: spec.podCIDR, via } : undefined
}
