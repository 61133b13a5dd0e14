import type { Pod } from '../../../shared/openapi/generated/core-v1.ts'
import type { HookContext } from '../../registry/define-resource.ts'
import { checksOf, type FindViolations } from './checks.ts'
import type { Exemptions } from './exemptions.ts'
import { type LevelVersion, shownLevel } from './policy.ts'

/** How many pods of a namespace are looked at (upstream's bounds)… */
const MOST_PODS = 3_000
/** …and for how many milliseconds. */
const PATIENCE = 1_000
/** After so many milliseconds the server does something else in between. */
const TURN = 10

/**
 * What to warn of when a namespace begins to enforce: the pods that are there, and would not be let in again. Controllers' pods look alike,
 * so one of each is looked at first. Pods with the same faults share a line.
 */
export async function existingPodsWarnings(
  { reader, clock }: HookContext,
  namespace: string,
  enforce: LevelVersion,
  exemptions: Exemptions,
): Promise<string[]> {
  const found = new Faults(checksOf(enforce))
  const controllers = new Set<string>()
  const pods = reader.listUnparsed('v1', 'Pod', namespace)
  const alike: (() => Pod)[] = []
  let exempt = 0
  const lookFirst = (read: () => Pod) => {
    const pod = read()
    const controller = pod.metadata.ownerReferences?.find((each) => each.controller)?.uid
    if (exemptions.hasRuntimeClass(pod.spec.runtimeClassName)) exempt++
    else if (controller !== undefined && controllers.has(controller)) alike.push(read)
    else {
      found.look(pod)
      if (controller !== undefined) controllers.add(controller)
    }
  }
  const start = clock.monotonic()
  let turn = start
  const rounds = [
    { reads: pods, look: lookFirst },
    { reads: alike, look: (read: () => Pod) => found.look(read()) },
  ]
  for (const { reads, look } of rounds) {
    for (const read of reads) {
      const now = clock.monotonic()
      if (found.looked === MOST_PODS || now - start > PATIENCE) break
      if (now - turn > TURN) {
        await new Promise<void>((resolve) => setImmediate(resolve))
        turn = clock.monotonic()
      }
      look(read)
    }
  }
  const all = pods.length - exempt
  const lines = found.lines()
  return [
    ...(found.looked < all ? [`new PodSecurity enforce level only checked against the first ${found.looked} of ${all} existing pods`] : []),
    ...(lines.length > 0
      ? [`existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${shownLevel(enforce)}"`]
      : []),
    ...lines,
  ]
}

/** Pods by what is wrong with them. */
class Faults {
  readonly #find: FindViolations
  readonly #pods = new Map<string, { first: string; count: number }>()
  looked = 0

  constructor(find: FindViolations) {
    this.#find = find
  }

  look({ metadata, spec }: Pod): void {
    this.looked++
    const violations = this.#find(metadata, spec)
    if (violations.length === 0) return
    const name = metadata.name ?? ''
    const reasons = violations.map(({ reason }) => reason).join(', ')
    const known = this.#pods.get(reasons)
    const first = known && known.first < name ? known.first : name
    this.#pods.set(reasons, { first, count: (known?.count ?? 0) + 1 })
  }

  lines(): string[] {
    return Array.from(this.#pods, ([reasons, { first, count }]) => {
      if (count === 1) return `${first}: ${reasons}`
      return `${first} (and ${count - 1} other ${count === 2 ? 'pod' : 'pods'}): ${reasons}`
    }).sort()
  }
}
