/**
 * Runs test files: those that bear neighbours side by side, then those named `*.alone.test.ts` one after the other, for they measure times or
 * take away what others stand on. `--setup=FILE` names a module with `globalSetup` and `globalTeardown` around all of them.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'

interface Surroundings {
  globalSetup(): Promise<void>
  globalTeardown(): Promise<void>
}

const NOTHING: Surroundings = { globalSetup: async () => {}, globalTeardown: async () => {} }

const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: { setup: { type: 'string' }, minutes: { type: 'string', default: '10' }, neighbours: { type: 'string' } },
})
/** Most tests wait for something: one more than there are processors keeps these busy. */
const neighbours = Number(values.neighbours ?? availableParallelism() + 1)

/** Milliseconds by file. */
const took = new Map<string, number>()

/** Whether all passed. A file that hangs ends with its time; a file that ends early fails by itself. */
async function runFiles(of: readonly string[], concurrency: number): Promise<boolean> {
  if (of.length === 0) return true
  let passed = true
  const stream = run({ files: of.map((file) => resolve(file)), concurrency, timeout: Number(values.minutes) * 60_000 })
  stream.on('test:fail', ({ skip, todo }) => {
    if (skip === undefined && todo === undefined) passed = false
  })
  stream.on('test:complete', ({ name, file, nesting, details }) => {
    if (file !== undefined && nesting === 0 && name !== file) took.set(file, (took.get(file) ?? 0) + details.duration_ms)
  })
  for await (const line of stream.compose(new spec())) process.stdout.write(`${line}`)
  return passed
}

const isAlone = (file: string) => file.endsWith('.alone.test.ts')
const surroundings: Surroundings = values.setup === undefined ? NOTHING : await import(resolve(values.setup))
await surroundings.globalSetup()
let passed = false
try {
  const beside = await runFiles(
    files.filter((file) => !isAlone(file)),
    neighbours,
  )
  passed = (await runFiles(files.filter(isAlone), 1)) && beside
} finally {
  await surroundings.globalTeardown()
}
const slowest = [...took].sort(([, a], [, b]) => b - a).slice(0, 15)
const base = resolve(import.meta.dirname, '..')
for (const [file, milliseconds] of slowest) {
  process.stdout.write(`# ${(milliseconds / 1000).toFixed(1).padStart(6)} s  ${file.slice(base.length + 1)}\n`)
}
process.exitCode = passed ? 0 : 1
