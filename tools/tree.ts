import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** The checkout this tool is in. */
export const root = resolve(import.meta.dirname, '..')

const SKIPPED = new Set(['node_modules', '.git', '.cache', '.cluster', 'generated', 'built'])

/** A TypeScript file of the tree, its path relative to the root. */
export interface SourceFile {
  path: string
  text: string
}

/** Every TypeScript file, generated ones left out, sorted by path. */
export function sourceFiles(folder = root): SourceFile[] {
  const files: SourceFile[] = []
  const walk = (directory: string) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (SKIPPED.has(entry.name)) continue
      const path = join(directory, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (/(?<!\.d)\.tsx?$/.test(entry.name)) {
        files.push({ path: relative(folder, path), text: readFileSync(path, 'utf8') })
      }
    }
  }
  walk(folder)
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** The path of a relative import, relative to the root; undefined for packages. */
export function importedPath(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? join(dirname(from), specifier) : undefined
}

/** Whether a file is a test. */
export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/')
}

/** Prints findings and answers the exit code. */
export function report(check: string, findings: readonly string[]): number {
  for (const finding of findings) process.stderr.write(`${finding}\n`)
  if (findings.length > 0) process.stderr.write(`${check}: ${findings.length} found\n`)
  return findings.length > 0 ? 1 : 0
}
