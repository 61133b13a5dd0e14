import type { Container } from '../../shared/openapi/generated/core-v1.ts'
import type { LabelSelector as LabelSelectorObject } from '../../shared/openapi/generated/meta-v1.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { SelectorError } from '../../shared/selectors/selector-error.ts'
import { humanDuration } from '../../shared/time/human-duration.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'

/** What upstream prints for "nothing here". */
export const NONE = '<none>'

/** `a=b,c=d`, sorted, or `<none>`. */
export function labelCell(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? NONE : pairs.sort().join(',')
}

/** The textual form of a selector object. */
export function selectorCell(selector: LabelSelectorObject | null | undefined): string {
  try {
    const text = labelSelectorFrom(selector ?? undefined).toString()
    return text === '' ? NONE : text
  } catch (error) {
    if (error instanceof SelectorError) return '<error>'
    throw error
  }
}

export function containerNames(containers: readonly Container[]): string {
  return containers.map((container) => container.name).join(',')
}

export function containerImages(containers: readonly Container[]): string {
  return containers.map((container) => container.image ?? '').join(',')
}

/** How long ago, in upstream's short form; `<unknown>` for a time that was never set. */
export function sinceCell(time: string | null | undefined, now: number): string {
  const then = parseTimestamp(time ?? undefined)
  return then === undefined ? '<unknown>' : humanDuration(now - then)
}

/** At most three, then how many more. */
export function firstThree(items: readonly string[]): string {
  const shown = items.slice(0, 3).join(',')
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown
}
