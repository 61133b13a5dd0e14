import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Logger } from '../logging/logger.ts'
import type { Node } from '../openapi/generated/core-v1.ts'
import { podRoutes } from './pod-routes.ts'

/** Runs `ip` with these arguments. @throws Error when it fails */
export type RunIp = (args: readonly string[]) => Promise<void>

/** The machine's own `ip`. */
export const machineIp: RunIp = async (args) => {
  await promisify(execFile)('ip', [...args])
}

export interface PodRoutesOptions {
  /** Tells the listener of each Node there is, and of each change; answers the end of it. */
  readonly follow: (listener: (current: Node | undefined, previous: Node | undefined) => void) => () => void
  /** All pod addresses, a range for each family. Those of no known node lead nowhere: the default gateway might answer for them. */
  readonly ranges: readonly string[]
  readonly ip: RunIp
  readonly log: Logger
}

/**
 * Keeps routes to the nodes' pod ranges on a machine that is no node, for those who talk to pods from there: API server and ingress. The kernel's table
 * dies with the container and is written anew from the nodes; a route that could not be set is tried again with the next news of any node,
 * which a status brings every few minutes.
 * @returns the end of it
 */
export function keepPodRoutes({ follow, ranges, ip, log }: PodRoutesOptions): () => void {
  const nodes = new Map<string, Node>()
  const applied = new Map<string, string>()
  let isWaiting = false
  // One at a time and in order: each change of a node may replace the one before.
  let last: Promise<void> = Promise.resolve()
  const soon = (change: () => Promise<void>) => {
    last = last.then(change).catch((error) => log.warn('a route to pods could not be set', { error: String(error) }))
  }
  const apply = async () => {
    isWaiting = false
    const wanted = new Map(podRoutes(nodes.values(), ranges).map((route) => [route.range, route.via]))
    for (const each of applied.keys()) if (!wanted.has(each)) soon(() => remove(each))
    for (const [each, via] of wanted) if (applied.get(each) !== via) soon(() => set(each, via))
  }
  const remove = async (each: string) => {
    if (applied.delete(each)) await ip(['route', 'del', each])
  }
  const set = async (each: string, via: string) => {
    if (applied.get(each) === via) return
    await ip(['route', 'replace', each, 'via', via])
    applied.set(each, via)
  }
  for (const range of ranges) soon(() => ip(['route', 'replace', 'blackhole', range, 'metric', '4000']))
  return follow((current, previous) => {
    const name = (current ?? previous)?.metadata.name ?? ''
    if (current) nodes.set(name, current)
    else nodes.delete(name)
    if (isWaiting) return
    isWaiting = true
    soon(apply)
  })
}
