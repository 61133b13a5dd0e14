/**
 * Fetches the Kubernetes Go type sources that Debian packages and reads them. Needed only when the API version changes:
 * what is generated from them is committed. `tools/node tools/openapi-source.ts` fetches; the rest of the tools read the cache.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { type GoConstant, type GoConstantMethod, type GoType, parseGoFile } from './go-parser.ts'

/** The upstream release the packages must carry. Debian's unstable suites move on; a mismatch is an error, not a surprise. */
export const sourceVersion = '0.36.4'

const packages = ['golang-k8s-api-dev', 'golang-k8s-apimachinery-dev', 'golang-k8s-apiextensions-apiserver-dev']
const suites = ['forky', 'sid']
const cache = resolve(import.meta.dirname, '..', '.cache', 'openapi-source')
const unpacked = join(cache, sourceVersion)
const goRoot = join(unpacked, 'usr', 'share', 'gocode', 'src')

/** Where external types live. Everything else (clients, conversion, validation) carries no schema fact. */
const roots = [
  'k8s.io/api/[!t]*/v*',
  'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1',
  'k8s.io/apimachinery/pkg/api/resource',
  'k8s.io/apimachinery/pkg/apis/meta/v1',
  'k8s.io/apimachinery/pkg/runtime',
  'k8s.io/apimachinery/pkg/types',
  'k8s.io/apimachinery/pkg/util/intstr',
  'k8s.io/apimachinery/pkg/version',
]

/** One Go package: its files' facts put together. */
export type GoPackage = {
  /** Import path, e.g. `k8s.io/api/core/v1`. */
  readonly path: string
  readonly types: ReadonlyMap<string, GoType>
  readonly constants: readonly GoConstant[]
  readonly methods: readonly GoConstantMethod[]
  readonly registered: ReadonlySet<string>
  /** API group from register.go; undefined where there is none. The core group is the empty string. */
  readonly group: string | undefined
  /** Import path of a name as used by the file that declares `type`. */
  readonly importsOf: ReadonlyMap<string, ReadonlyMap<string, string>>
}

/** Whether the sources are there to be read. */
export function sourceIsCached(): boolean {
  return existsSync(join(goRoot, 'k8s.io', 'api', 'core', 'v1', 'types.go'))
}

/** Reads the cached sources. Throws if they were never fetched. */
export function readSource(): GoPackage[] {
  if (!sourceIsCached()) throw new Error('the Go type sources are not cached; fetch them with: tools/node tools/openapi-source.ts')
  const folders = roots.flatMap((root) => globSync(root, { cwd: goRoot })).sort()
  return folders.map(readPackage)
}

function readPackage(path: string): GoPackage {
  const types = new Map<string, GoType>()
  const constants: GoConstant[] = []
  const methods: GoConstantMethod[] = []
  const registered = new Set<string>()
  const importsOf = new Map<string, ReadonlyMap<string, string>>()
  let group: string | undefined
  const files = globSync('*.go', { cwd: join(goRoot, path) }).sort()
  for (const name of files) {
    if (name.endsWith('_test.go') || name.endsWith('.pb.go') || /swagger_doc|deepcopy|conversion|fieldsv1_string/.test(name)) continue
    const file = parseGoFile(readFileSync(join(goRoot, path, name), 'utf8'))
    for (const type of file.types) {
      types.set(type.name, type)
      importsOf.set(type.name, file.imports)
    }
    constants.push(...file.constants)
    methods.push(...file.methods)
    if (name === 'register.go') {
      for (const type of file.registered) registered.add(type)
      group = file.constants.find((constant) => constant.name === 'GroupName')?.value
    }
  }
  return { path, types, constants, methods, registered, group, importsOf }
}

/** The JSON samples of the sources: one fully populated object of each kind. */
export function readSamples(): { file: string; object: Readonly<Record<string, unknown>> }[] {
  const folder = join(goRoot, 'k8s.io', 'api', 'testdata', 'HEAD')
  return globSync('*.json', { cwd: folder })
    .sort()
    .map((file) => ({ file, object: JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown> }))
}

/** Downloads and unpacks the packages from the machine's own Debian mirror, with package lists of its own. */
export function fetchSource(): void {
  const work = mkdtempSync(join(tmpdir(), 'openapi-source-'))
  try {
    mkdirSync(join(work, 'lists', 'partial'), { recursive: true })
    mkdirSync(join(work, 'cache', 'archives', 'partial'), { recursive: true })
    writeFileSync(join(work, 'sources.list'), suites.map((suite) => `deb [signed-by=${keyring()}] ${mirror()} ${suite} main\n`).join(''))
    const settings = {
      'Dir::Etc::sourcelist': join(work, 'sources.list'),
      'Dir::Etc::sourceparts': '-',
      'Dir::State::lists': join(work, 'lists'),
      'Dir::Cache': join(work, 'cache'),
      'Acquire::Languages': 'none',
      'APT::Sandbox::User': 'root',
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
    const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] })
    run('apt-get', ...options, 'update')
    run('apt-get', ...options, 'download', ...packages)
    rmSync(unpacked, { recursive: true, force: true })
    mkdirSync(unpacked, { recursive: true })
    for (const name of packages) {
      const [archive] = globSync(`${name}_*.deb`, { cwd: work })
      if (!archive?.startsWith(`${name}_${sourceVersion}-`)) {
        throw new Error(`the mirror has ${archive ?? 'nothing'} where ${name} ${sourceVersion} is wanted`)
      }
      run('dpkg', '-x', join(work, archive), unpacked)
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The address apt already uses for Debian's main archive. */
function mirror(): string {
  const files = ['/etc/apt/sources.list', ...globSync('/etc/apt/sources.list.d/*')].filter((file) => existsSync(file))
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    for (const match of text.matchAll(/^(?:URIs:|deb\s+(?:\[[^\]]*\]\s+)?)\s*(\S+\/debian)\/?(?:\s|$)/gm)) return match[1]!
  }
  throw new Error('no Debian mirror in the apt configuration of this machine')
}

function keyring(): string {
  const path = '/usr/share/keyrings/debian-archive-keyring.gpg'
  if (!existsSync(path)) throw new Error(`${path} is missing: install the package debian-archive-keyring`)
  return path
}

if (import.meta.main) {
  fetchSource()
  process.stdout.write(`unpacked ${readSource().length} Go packages into ${relative(process.cwd(), cache)}\n`)
}
