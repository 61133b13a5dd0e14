import { existsSync } from 'node:fs'
import { realLogger } from '../../shared/logging/pino-logger.ts'
import { ConfigError, HelpRequested, readConfig } from '../../shared/process/config.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { settings } from './config.ts'
import { whatIf } from './what-if.ts'

const program = { name: 'what-if', summary: 'a fork of a live cluster, in which things happen that should not happen there' }
const OWN = '.cluster/kubeconfig'
const end = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort(new Error(signal)))

try {
  const given = readConfig(program, settings, { args: process.argv.slice(2), env: process.env })
  const named = given.kubeconfig ?? (process.env['KUBECONFIG'] || undefined)
  if (named === undefined && !existsSync(OWN)) {
    throw new Error(
      `there is no cluster to copy: neither KUBECONFIG nor --kubeconfig names one, and ${OWN}, which make up writes, is not there`,
    )
  }
  const config = { ...given, kubeconfig: named ?? OWN }
  const tools = { outside: realClock(), random: systemRandom(), log: realLogger({ level: 'error', format: 'text' }) }
  const console = { input: process.stdin, output: process.stdout, progress: process.stderr }
  process.exitCode = await whatIf(config, tools, console, end.signal)
} catch (error) {
  if (error instanceof HelpRequested) process.stdout.write(error.message)
  else {
    process.stderr.write(`what-if: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = error instanceof ConfigError ? 2 : 1
  }
}
// Standard input may be a terminal, which would keep the process.
process.exit(process.exitCode)
