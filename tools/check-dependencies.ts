import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { importsOf, withoutText } from './source-text.ts'
import { isTest, report, root, type SourceFile, sourceFiles } from './tree.ts'

/** What package.json says we need: names with versions. */
export interface Listed {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** Packages that are run and not imported, each with who runs it. */
const programs: Readonly<Record<string, string>> = {
  typescript: 'make check',
  '@biomejs/biome': 'make check',
}

/** Folders beside the tests that no running cluster needs; what the page takes is built into it. */
const forPeople = ['tools', 'bench', 'test', 'dashboard/view']

/**
 * Listed packages that nothing uses, that are listed for the cluster and used only to make it, or the other way round; and packages that
 * are used and not listed. An import of types alone needs nothing at run time.
 */
export function dependencyFindings(files: readonly SourceFile[], listed: Listed): string[] {
  const dependencies = new Set(Object.keys(listed.dependencies ?? {}))
  const development = new Set(Object.keys(listed.devDependencies ?? {}))
  const findings: string[] = []
  const anywhere = new Set<string>()
  const byProduct = new Set<string>()
  for (const { path, text } of files) {
    for (const { specifier, line, isType } of [...importsOf(text), ...requiresOf(text)]) {
      const name = packageOf(specifier)
      if (name === undefined) continue
      anywhere.add(name)
      const isProduct = !isTest(path) && !forPeople.some((folder) => path.startsWith(`${folder}/`))
      if (isProduct && !isType) byProduct.add(name)
      if (!dependencies.has(name) && !development.has(name)) findings.push(`${path}:${line}: ${name} is not listed in package.json`)
      else if (isProduct && !isType && !dependencies.has(name)) {
        findings.push(`${path}:${line}: ${name} is a devDependency; what a cluster needs is a dependency`)
      }
    }
  }
  for (const name of dependencies) {
    if (!anywhere.has(name)) findings.push(`package.json: nothing imports ${name}: remove it`)
    else if (!byProduct.has(name)) findings.push(`package.json: only tests and tools use ${name}: it is a devDependency`)
  }
  for (const name of development) {
    const typed = name.startsWith('@types/') ? name.slice('@types/'.length) : name
    if (!anywhere.has(name) && !anywhere.has(typed) && typed !== 'node' && !(name in programs)) {
      findings.push(`package.json: nothing uses the devDependency ${name}: remove it`)
    }
  }
  return findings
}

/** What is loaded at once and late: `createRequire(import.meta.url)('name')`. */
function requiresOf(text: string): { specifier: string; line: number; isType: boolean }[] {
  const code = withoutText(text, true)
  return [...code.matchAll(/createRequire\([^()]*\)\('([^']+)'\)/g)].map(({ 1: specifier = '', index }) => ({
    ...{ specifier, isType: false },
    line: code.slice(0, index).split('\n').length,
  }))
}

/** `@scope/name/path` → `@scope/name`; undefined for files of the tree and modules of Node. */
function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('/') || isBuiltin(specifier)) return undefined
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

if (import.meta.main) {
  const listed: Listed = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  process.exit(report('check-dependencies', dependencyFindings(sourceFiles(), listed)))
}
