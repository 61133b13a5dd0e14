/**
 * Runs test files: those that bear neighbours side by side, then those named `*.alone.test.ts` one after the other, for they measure times or
 * take away what others stand on. `--setup=FILE` names a module with `globalSetup` and `globalTeardown` around all of them. A file that does not
 * end is ended; who asks the run itself to end is told where each file stood.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { type FileRun, runFile } from './run-file.ts'

interface Surroundings {
  globalSetup(): Promise<void>
  globalTeardown(): Promise<void>
}

const NOTHING: Surroundings = { globalSetup: async () => {}, globalTeardown: async () => {} }
const MINUTE = 60_000

const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ setup: { type: 'string' }, neighbours: { type: 'string' } },
    // Of a test; of a file's process after that; of one that has nothing more to do.
    ...{ minutes: { type: 'string', default: '8' }, grace: { type: 'string', default: '1' }, exit: { type: 'string', default: '0.5' } },
  },
})
const limits = { test: Number(values.minutes) * MINUTE, grace: Number(values.grace) * MINUTE, exit: Number(values.exit) * MINUTE }
/** Most tests wait for something: one more than there are processors keeps these busy. */
const neighbours = Number(values.neighbours ?? availableParallelism() + 1)
const base = resolve(import.meta.dirname, '..')
const short = (file: string) => file.slice(base.length + 1)
const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1).padStart(6)} s`
const say = (line: string) => process.stdout.write(`# ${line}\n`)

const events = new PassThrough({ objectMode: true })
const printed = (async () => {
  for await (const text of events.compose(new spec())) process.stdout.write(`${text}`)
})()
const running = new Set<FileRun>()
const ended: FileRun[] = []
const began = performance.now()

/** Starts a file whenever fewer than `concurrency` run. */
async function runFiles(of: readonly string[], concurrency: number): Promise<void> {
  const left = [...of]
  const one = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const of = runFile(resolve(file), limits)
      running.add(of)
      for (const event of await of.events) events.write(event)
      running.delete(of)
      ended.push(of)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, one))
}

function tellWhereItStands(signal: NodeJS.Signals): void {
  say(`${signal} after ${seconds(performance.now() - began)}: ${ended.length} of ${files.length} files have ended, not these:`)
  for (const { file, took, at } of running) say(`${seconds(took())}  ${short(file)}: ${at() ?? 'no test'}`)
  tellTheSlowest()
  process.exit(1)
}

function tellTheSlowest(): void {
  const slowest = ended.toSorted((a, b) => b.took() - a.took()).slice(0, 15)
  for (const { file, took } of slowest) say(`${seconds(took())}  ${short(file)}`)
}

const isAlone = (file: string) => file.endsWith('.alone.test.ts')
const surroundings: Surroundings = values.setup === undefined ? NOTHING : await import(resolve(values.setup))
process.on('SIGTERM', tellWhereItStands)
process.on('SIGINT', tellWhereItStands)
await surroundings.globalSetup()
try {
  await runFiles(
    files.filter((file) => !isAlone(file)),
    neighbours,
  )
  await runFiles(files.filter(isAlone), 1)
} finally {
  await surroundings.globalTeardown()
}
events.end()
await printed
const sum = (of: 'tests' | 'passed' | 'failed' | 'cancelled' | 'skipped' | 'todo') =>
  ended.reduce((total, { counts }) => total + counts()[of], 0)
say(
  `${sum('tests')} tests in ${ended.length} files: ${sum('passed')} passed, ${sum('failed')} failed, ${sum('cancelled')} cancelled, ` +
    `${sum('skipped')} skipped, ${sum('todo')} to do; ${seconds(performance.now() - began).trim()}`,
)
tellTheSlowest()
// What a file that was ended left behind may hold its pipes, and with them this process.
process.exit(ended.every(({ passed }) => passed()) ? 0 : 1)
