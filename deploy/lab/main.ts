/** `coxswain-lab COMMAND`: what is done on one machine of a cluster of machines. `docs/lab.md` tells the whole. */
import { ConfigError, HelpRequested } from '../../shared/process/config.ts'
import { nearest } from '../../shared/process/nearest.ts'
import { realClock } from '../../shared/time/clock.ts'
import { CannotGoOn, printedSteps } from '../step.ts'
import { bundle } from './commands/bundle.ts'
import { doctor } from './commands/doctor.ts'
import { join } from './commands/join.ts'
import { leave } from './commands/leave.ts'
import { start, stop, uninstall, upgrade } from './commands/running.ts'
import { server } from './commands/server.ts'
import { token } from './commands/token.ts'
import type { LabCommand } from './lab-command.ts'

const commands = new Map<string, LabCommand>(
  Object.entries({ server, join, token, leave, upgrade, start, stop, uninstall, doctor, bundle }),
)
/** Those that change nothing on this machine but a folder. */
const forEverybody = new Set(['bundle'])

function help(): string {
  const rows = [...commands].map(([name, { words, summary }]) => `  ${`${name} ${words ?? ''}`.padEnd(30)}${summary}`)
  return [
    'coxswain-lab COMMAND [FLAGS]: a cluster over several machines; as root.',
    '',
    ...rows,
    '',
    'coxswain-lab COMMAND --help has its flags.',
  ].join('\n')
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  const print = (line: string) => console.log(line)
  const command = commands.get(name ?? '')
  if (!command) {
    const isHelp = name === '--help' || name === 'help'
    if (isHelp) print(help())
    else console.error(`${name === undefined ? '' : unknown(name)}${help()}`)
    return isHelp ? 0 : 2
  }
  try {
    if (!forEverybody.has(name ?? '') && !args.includes('--help') && process.getuid?.() !== 0) {
      throw new CannotGoOn(
        'this changes the machine, and you are not root',
        `sudo ${process.argv[1] ?? 'coxswain-lab'} ${[name, ...args].join(' ')}`,
      )
    }
    const clock = realClock()
    await command.run(args, { clock, print, steps: printedSteps(clock, print) })
    return 0
  } catch (error) {
    if (error instanceof HelpRequested) {
      print(error.message)
      return 0
    }
    if (error instanceof ConfigError) {
      console.error(error.message)
      return 2
    }
    if (!(error instanceof CannotGoOn)) throw error
    console.error(`\n${error.message}\n\nCure: ${error.cure}`)
    return 1
  }
}

function unknown(name: string): string {
  const guess = nearest(name, [...commands.keys()])
  return `coxswain-lab: there is no command ${JSON.stringify(name)}${guess ? `; did you mean ${guess}?` : ''}\n\n`
}

process.exitCode = await main(process.argv.slice(2))
