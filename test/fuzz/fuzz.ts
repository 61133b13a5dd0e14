/**
 * make fuzz [ONLY=name] [SECONDS=n] [SEED=n] [KEEP=1]: feeds the readers of outside bytes, one after another, and says what it found. KEEP adds the
 * inputs that reached something new to `seeds/`, the shortest of them.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type FuzzResult, runTarget } from './run-target.ts'
import { targetNames } from './target-names.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
/** Seeds kept of one run. */
const MOST_KEPT = 40

const names = values.only ? values.only.split(',') : targetNames()
for (const name of names) {
  if (!targetNames().includes(name)) throw new Error(`there is no ${name} to fuzz: ${targetNames().join(', ')}`)
  const seed = values.seed ? Number(values.seed) : Math.floor(Math.random() * 2 ** 31)
  const result = await runTarget({ name, seconds: Number(values.seconds), seed })
  report(name, seed, result)
  if (values.keep) keepSeeds(name, result.kept)
  if (result.findings.length > 0) process.exitCode = 1
}

function report(name: string, seed: number, { inputs, parts, kept, slowest, findings }: FuzzResult): void {
  const found = findings.length === 0 ? 'nothing found' : `${findings.length} FOUND`
  console.log(
    `${name.padEnd(20)} ${String(inputs).padStart(9)} inputs  ${parts} parts  ${kept.length} new  slowest ${slowest.toFixed(0)} ms  seed ${seed}  ${found}`,
  )
  if (findings.length === 0) return
  const folder = mkdtempSync(join(tmpdir(), `fuzz-${name}-`))
  for (const { input, why } of findings) {
    const file = join(folder, hashOf(input))
    writeFileSync(file, input)
    console.log(`  ${file}\n  ${JSON.stringify(input.toString('latin1').slice(0, 300))}\n    ${why.split('\n').slice(0, 8).join('\n    ')}`)
  }
}

function keepSeeds(name: string, kept: readonly Buffer[]): void {
  const folder = join(import.meta.dirname, 'seeds', name)
  mkdirSync(folder, { recursive: true })
  const shortest = [...kept].sort((a, b) => a.length - b.length).slice(0, MOST_KEPT)
  for (const input of shortest) writeFileSync(join(folder, hashOf(input)), input)
}

function hashOf(input: Buffer): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16)
}
