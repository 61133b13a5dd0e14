/**
 * Checks the committed schema facts. (1) Against the Go sources, if cached: regenerating must change nothing, and their sample objects
 * must fit. (2) Against the official OpenAPI v2 document, if one is at hand: every property, kind and path. A check that cannot run says so and why.
 *
 * The official document is looked for in the folder that COXSWAIN_OFFICIAL_OPENAPI names, by default `../shared/kubernetes-openapi`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { factsDocument } from '../shared/openapi/document.ts'
import { schemaOf } from '../shared/openapi/kinds.ts'
import { generate, generatedFolder, readFacts } from './generate-openapi.ts'
import { compareWithOfficial, parseOfficial } from './openapi-comparison.ts'
import { misfits } from './openapi-samples.ts'
import { readSamples, sourceIsCached } from './openapi-source.ts'

/** Outcome of one check: `skipped` carries the reason. */
export type Check = { readonly name: string; readonly skipped?: string; readonly differences: readonly string[]; readonly summary: string }

/** Regenerates in memory and compares with the committed files. */
export function checkGenerated(): Check {
  const name = 'generated files are what the Go sources give'
  if (!sourceIsCached()) {
    return { name, skipped: 'the Go sources are not cached (tools/node tools/openapi-source.ts)', differences: [], summary: '' }
  }
  const expected = generate(readFacts())
  const differences: string[] = []
  for (const [file, text] of expected) {
    const path = join(generatedFolder, file)
    if (!existsSync(path)) differences.push(`${file} is missing`)
    else if (readFileSync(path, 'utf8') !== text) differences.push(`${file} differs`)
  }
  for (const file of readdirSync(generatedFolder)) if (!expected.has(file)) differences.push(`${file} is not generated any more`)
  return { name, differences, summary: `${expected.size} files` }
}

/** Walks the packages' own fully populated objects: every field is known, of the right type, and what is said to be always there is there. */
export function checkSamples(): Check {
  const name = "the packages' sample objects fit the schema"
  if (!sourceIsCached()) return { name, skipped: 'the Go sources are not cached', differences: [], summary: '' }
  const differences: string[] = []
  let objects = 0
  for (const { file, object } of readSamples()) {
    const schema = schemaOf(String(object['apiVersion']), String(object['kind']))
    if (!schema) continue // of a version that the release does not serve
    objects++
    differences.push(...misfits(schema, object, file))
  }
  if (objects === 0) differences.push('there were no sample objects')
  return { name, differences, summary: `${objects} objects` }
}

/** Compares every fact with the official document of the same release. */
export function checkOfficial(folder: string): Check {
  const name = 'facts agree with the official OpenAPI document'
  const path = join(folder, `openapi-v2-${factsDocument().release}.json.gz`)
  if (!existsSync(path)) return { name, skipped: `no official document at ${path}`, differences: [], summary: '' }
  const official = parseOfficial(gunzipSync(readFileSync(path)).toString('utf8'))
  const { differences, compared, explained } = compareWithOfficial(official)
  const counts = Object.entries(compared).map(([what, count]) => `${count} ${what}`)
  return { name, differences, summary: `${counts.join(', ')}; ${explained} explained exceptions` }
}

/** The folder of official documents for this checkout. */
export function officialFolder(): string {
  return process.env['COXSWAIN_OFFICIAL_OPENAPI'] ?? resolve(import.meta.dirname, '..', '..', 'shared', 'kubernetes-openapi')
}

if (import.meta.main) {
  for (const check of [checkGenerated(), checkSamples(), checkOfficial(officialFolder())]) {
    if (check.skipped !== undefined) process.stdout.write(`skipped: ${check.name}: ${check.skipped}\n`)
    else
      process.stdout.write(
        `${check.differences.length === 0 ? 'ok' : 'FAILED'}: ${check.name}: ${check.summary}; ${check.differences.length} differences\n`,
      )
    for (const difference of check.differences) process.stdout.write(`  ${difference}\n`)
    if (check.differences.length > 0) process.exitCode = 1
  }
}
