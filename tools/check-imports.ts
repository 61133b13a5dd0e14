import { apiServerRooms, banned, frontDoor, mayTouchTheWorld, onRealTime, services, sharedOrder, simulation } from './import-rules.ts'
import { importsOf, withoutText } from './source-text.ts'
import { importedPath, isTest, report, type SourceFile, sourceFiles } from './tree.ts'

/** Everything the tree's import rules find in these files; each finding says where, what and why. */
export function importFindings(files: readonly SourceFile[]): string[] {
  const findings: string[] = []
  const known = new Set(files.map((file) => file.path))
  const edges = new Map<string, string[]>()
  for (const { path, text } of files) {
    const targets: string[] = []
    edges.set(path, targets)
    for (const { specifier, line, isType } of importsOf(text)) {
      const target = importedPath(path, specifier)
      if (target === undefined) continue
      const isGenerated = target.startsWith('shared/openapi/generated/')
      if (!known.has(target) && !isGenerated) findings.push(`${path}:${line}: ${specifier} is not a file of the tree`)
      if (!isType && known.has(target)) targets.push(target)
      const why = isTest(path) ? testMay(path, target) : may(path, target, isType || isGenerated)
      if (why) findings.push(`${path}:${line}: must not import ${target}: ${why}`)
    }
    if (!onRealTime.includes(topOf(path)) && !isTest(path) && !mayTouchTheWorld(path)) findings.push(...worldFindings(path, text))
  }
  for (const { path } of files) {
    // `load.ts` imports its whole folder at run time; what is in it must not look back.
    if (path.endsWith('/load.ts')) edges.get(path)?.push(...folderOf(path, known))
  }
  return [...findings, ...cycleFindings(edges)]
}

function worldFindings(path: string, text: string): string[] {
  const code = withoutText(text)
  const codeWithStrings = withoutText(text, true)
  return banned.flatMap(({ pattern, word, instead }) => {
    const searched = pattern.source.includes("'") ? codeWithStrings : code
    const at = searched.search(pattern)
    return at < 0 ? [] : [`${path}:${searched.slice(0, at).split('\n').length}: ${word}: use ${instead}`]
  })
}

/** The reason why not, or undefined. */
function may(path: string, target: string, isType: boolean): string | undefined {
  const [from, to] = [topOf(path), topOf(target)]
  // Measurements may stand on the tests' harness; they are no product.
  if (target.endsWith('.test.ts') || (to === 'test' && from !== 'bench')) return 'the product does not depend on tests'
  if (to === 'tools' && from !== 'tools') return 'the product does not depend on the tools that check and generate it'
  if (to === 'deploy' && from !== 'deploy') return 'the product does not know how it is deployed'
  if (to === simulation && !['bench', simulation].includes(from)) return 'what is simulated is made of the product, not the product of it'
  if (from === simulation && services.includes(to)) return isType ? undefined : simulationMay(target)
  if (services.includes(to) && from !== to && from !== 'bench') {
    return services.includes(from)
      ? 'a service never imports another: they meet in the API only'
      : `${from}/ stands outside the services; what both need belongs into shared/`
  }
  if (from === 'shared' && to === 'shared') return sharedMay(path, target)
  if (from === 'apiserver' && to === 'apiserver') return apiServerMay(path, target, isType)
  return undefined
}

/** Stores are handed to the API server that is built, so their drivers are a front door too. */
function simulationMay(target: string): string | undefined {
  if (frontDoor.test(target) || /^apiserver\/storage\/[^/]+\.ts$/.test(target)) return undefined
  return 'a simulated cluster builds services by their create-*.ts'
}

/** Tests may reach into what they test, and build other services by their front doors. */
function testMay(path: string, target: string): string | undefined {
  const [from, to] = [topOf(path), topOf(target)]
  if (!services.includes(from) || !services.includes(to) || from === to) return undefined
  return frontDoor.test(target) ? undefined : 'a test builds another service by its create-*.ts'
}

function sharedMay(path: string, target: string): string | undefined {
  const [from, to] = [roomOf(path), roomOf(target)]
  if (from === to || target.startsWith('shared/openapi/generated/')) return undefined
  for (const room of [from, to])
    if (!sharedOrder.includes(room)) return `shared/${room} has no place in the order of rooms (tools/import-rules.ts)`
  return sharedOrder.indexOf(to) < sharedOrder.indexOf(from) ? undefined : `shared/${from} comes before shared/${to} in the order of rooms`
}

function apiServerMay(path: string, target: string, isType: boolean): string | undefined {
  const [from, to] = [roomOf(path), roomOf(target)]
  if (from === to || from === '')
    return to === 'resources' && !target.endsWith('/load.ts') ? 'kinds are reached through resources/load.ts' : undefined
  if (isType) return undefined
  if (to === '') return `rooms do not import what composes them`
  const allowed = apiServerRooms[from]
  if (!allowed) return `apiserver/${from} has no place in the order of rooms (tools/import-rules.ts)`
  return allowed.includes(to) ? undefined : `apiserver/${from} may import only ${allowed.join(', ') || 'shared/'}`
}

function topOf(path: string): string {
  return path.slice(0, path.indexOf('/'))
}

/** The folder below the top, or nothing for the top's own files. */
function roomOf(path: string): string {
  const parts = path.split('/')
  return parts.length > 2 ? parts[1]! : ''
}

function folderOf(loader: string, known: ReadonlySet<string>): string[] {
  const folder = loader.slice(0, loader.lastIndexOf('/') + 1)
  return [...known].filter((path) => path.startsWith(folder) && path !== loader && !isTest(path))
}

/** Circles of imports that exist at run time: which module is ready first would depend on who asks first. */
function cycleFindings(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const findings = new Map<string, string>()
  const finished = new Set<string>()
  const trail: string[] = []
  const visit = (path: string) => {
    const seenAt = trail.indexOf(path)
    if (seenAt >= 0) {
      const circle = trail.slice(seenAt)
      findings.set([...circle].sort().join(), `${path}: imports itself at run time: ${[...circle, path].join(' → ')}`)
      return
    }
    if (finished.has(path)) return
    trail.push(path)
    for (const target of edges.get(path) ?? []) visit(target)
    trail.pop()
    finished.add(path)
  }
  for (const path of edges.keys()) visit(path)
  return [...findings.values()]
}

if (import.meta.main) process.exit(report('check-imports', importFindings(sourceFiles())))
