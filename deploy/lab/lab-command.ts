import { type ConfigOf, readConfig, type SettingsTable } from '../../shared/process/config.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { Steps } from '../step.ts'

/** What a command works with. */
export interface LabContext {
  readonly steps: Steps
  readonly print: (line: string) => void
  readonly clock: Clock
}

/** One word after `coxswain-lab`. */
export interface LabCommand {
  readonly summary: string
  /** Arguments before the flags, as help shows them. */
  readonly words?: string
  /** @throws ConfigError, HelpRequested, CannotGoOn */
  run(args: readonly string[], context: LabContext): Promise<void>
}

interface Definition<T extends SettingsTable> {
  readonly name: string
  readonly summary: string
  readonly words?: string
  readonly settings: T
  /** @param words what stood before the flags */
  act(config: ConfigOf<T>, context: LabContext, words: readonly string[]): Promise<void>
}

/** Declares a command: its flags are read and checked before it acts. */
export function defineLabCommand<T extends SettingsTable>({ name, summary, words, settings, act }: Definition<T>): LabCommand {
  return {
    summary,
    ...(words === undefined ? {} : { words }),
    async run(args, context) {
      const firstFlag = args.findIndex((arg) => arg.startsWith('-'))
      const end = firstFlag < 0 ? args.length : firstFlag
      const given = words === undefined ? [] : args.slice(0, end)
      const program = { name: `coxswain-lab ${name}${words === undefined ? '' : ` ${words}`}`, summary }
      await act(readConfig(program, settings, { args: args.slice(given.length), env: process.env }), context, given)
    },
  }
}
