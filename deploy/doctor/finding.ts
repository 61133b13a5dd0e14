import type { Clock } from '../../shared/time/clock.ts'
import type { Settings } from '../settings.ts'

/** What a check found. `failed` stops `make up`; `warning` may bite later; `unknown` could not be looked at. */
export interface Finding {
  readonly state: 'good' | 'warning' | 'failed' | 'unknown'
  readonly text: string
  readonly cure?: string
}

/** Looks at one side of the machine and changes nothing. */
export type Check = (settings: Settings, clock: Clock) => Promise<Finding[]>

/** A finding that needs nothing done. */
export const good = (text: string): Finding => ({ state: 'good', text })
