import type { PodSecurityContext, PodSpec, SecurityContext } from '../../../shared/openapi/generated/core-v1.ts'
import { containersOf } from './check.ts'

export function plural(noun: string, count: number): string {
  return count === 1 ? noun : `${noun}s`
}

/** `"a", "b"`; quotes inside stay as they are, as in upstream's messages. */
export function quotedList(words: readonly string[]): string {
  return `"${words.join('", "')}"`
}

/** `container "a"`, `containers "a", "b"`. */
export function named(noun: string, names: readonly string[]): string {
  return `${plural(noun, names.length)} ${quotedList(names)}`
}

/** Each once, in order. */
export function sortedSet(values: Iterable<string>): string[] {
  return [...new Set(values)].sort()
}

/** The containers of which something holds, by name. */
export function containersThat(spec: PodSpec, holds: (container: ReturnType<typeof containersOf>[number]) => boolean): string[] {
  return containersOf(spec)
    .filter(holds)
    .map(({ name }) => name)
}

/** Whose security context is bad, `pod and containers "a", "b"`; undefined where nobody's is. */
export function badSetters(spec: PodSpec, isBad: (context: PodSecurityContext & SecurityContext) => boolean): string | undefined {
  const isPodBad = spec.securityContext !== undefined && isBad(spec.securityContext)
  const containers = containersThat(spec, ({ securityContext }) => securityContext !== undefined && isBad(securityContext))
  const setters = [...(isPodBad ? ['pod'] : []), ...(containers.length > 0 ? [named('container', containers)] : [])]
  return setters.length > 0 ? setters.join(' and ') : undefined
}
