import { resolve } from 'node:path'
import { realClock } from '../shared/time/clock.ts'
import { BadSetting, readSettings, type Settings } from './settings.ts'
import { CannotGoOn, printedSteps, type Steps } from './step.ts'

/** What a command of this folder works with. */
export interface DeployContext {
  readonly settings: Settings
  readonly steps: Steps
  readonly print: (line: string) => void
  readonly args: readonly string[]
}

/** Runs a command for the person at the terminal: cause and cure instead of a stack, exit code 1 when it cannot go on. */
export async function runDeployCommand(work: (context: DeployContext) => Promise<void>): Promise<void> {
  const print = (line: string) => console.log(line)
  try {
    const settings = readSettings(resolve(import.meta.dirname, '..'), process.env)
    await work({ settings, steps: printedSteps(realClock(), print), print, args: process.argv.slice(2) })
  } catch (error) {
    process.exitCode = 1
    if (error instanceof CannotGoOn) console.error(`\n${error.message}\n\nCure: ${error.cure}`)
    else if (error instanceof BadSetting)
      console.error(`\n${error.message}\n\nCure: look at .env and the environment; .env.example lists the settings.`)
    else throw error
  }
}
