import { inputLimits } from './input-limits.ts'

/** A bound of `inputLimits` that a body passes, in words that say what to change. */
export const tooMuch = {
  depth: `exceeded max depth: it nests deeper than ${inputLimits.depth} levels`,
  values: `it holds more than ${inputLimits.values} values; split it into several objects`,
  number: (text: string) =>
    `the number ${text.slice(0, 40)} has more digits than can be kept exactly; write it as text, or with at most 15 digits`,
} as const
