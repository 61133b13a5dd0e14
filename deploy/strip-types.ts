/**
 * Makes JavaScript of the TypeScript in the folders and files named, in place, when an image is built: Node would strip the types at each
 * start, and keep the stripper in memory. Lines stay where they are, so that stack traces name the source's.
 */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'

function* sourcesIn(path: string): Generator<string> {
  if (!statSync(path).isDirectory()) yield path
  else for (const name of readdirSync(path)) yield* sourcesIn(join(path, name))
}

/** The JavaScript of a module, whose relative imports name JavaScript too. */
export function javaScriptOf(source: string): string {
  return stripTypeScriptTypes(source).replaceAll(/'(\.{1,2}\/[^'\n]*)\.ts'/g, "'$1.js'")
}

if (import.meta.main) {
  for (const path of process.argv.slice(2)) {
    for (const file of sourcesIn(path)) {
      if (!file.endsWith('.ts')) continue
      writeFileSync(file.replace(/\.ts$/, '.js'), javaScriptOf(readFileSync(file, 'utf8')))
      rmSync(file)
    }
  }
}
