/** Go type sources → `shared/openapi/generated/`. Run `tools/node tools/openapi-source.ts` first; both only when the API version changes. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { packagesByHand } from './openapi-by-hand.ts'
import { collectFacts, encodeFacts, encodeWire, type Facts } from './openapi-facts-table.ts'
import { readSource } from './openapi-source.ts'
import { writeTypes } from './openapi-type-writer.ts'

/** Where the generated files live. */
export const generatedFolder = resolve(import.meta.dirname, '..', 'shared', 'openapi', 'generated')

export function readFacts(): Facts {
  return collectFacts([...readSource(), ...packagesByHand()])
}

/** Every generated file, by name. */
export function generate(facts: Facts): Map<string, string> {
  return new Map([['document.json', encodeFacts(facts)], ['wire.json', encodeWire(facts)], ...writeTypes(facts)])
}

if (import.meta.main) {
  const files = generate(readFacts())
  mkdirSync(generatedFolder, { recursive: true })
  for (const name of readdirSync(generatedFolder)) if (!files.has(name)) rmSync(join(generatedFolder, name))
  for (const [name, text] of files) writeFileSync(join(generatedFolder, name), text)
  process.stdout.write(`${files.size} files in shared/openapi/generated\n`)
}
