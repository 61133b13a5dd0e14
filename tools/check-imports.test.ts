import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importFindings } from './check-imports.ts'
import { sizeFindings } from './check-size.ts'
import { importsOf, withoutText } from './source-text.ts'

const file = (path: string, text: string) => ({ path, text })
const target = (path: string) => file(path, '')

test('imports are found in all their forms, and not in text', () => {
  const found = importsOf(`
import a from './a.ts'
import type { B } from './b.ts'
import {
  c,
  type C,
} from './c.ts'
export { d } from './d.ts'
import './e.ts'
// import f from './f.ts'
const text = "import g from './g.ts'"
const lazy = await import('./h.ts')
type T = import('./i.ts').Thing
`)
  assert.deepEqual(
    found.map(({ specifier, line, isType, isDynamic }) => [specifier, line, isType, isDynamic]),
    [
      ['./a.ts', 2, false, false],
      ['./b.ts', 3, true, false],
      ['./c.ts', 4, false, false],
      ['./d.ts', 8, false, false],
      ['./e.ts', 9, false, false],
      ['./h.ts', 12, false, true],
    ],
  )
})

test('strings, templates, comments and regular expressions are no code, divisions are', () => {
  const code = withoutText(
    "a('setTimeout(') + `x ${f('`')} setTimeout(` // setTimeout(\n/* setTimeout( */ b = /setTimeout\\(['\"]/g; c = d / e / setTimeout(1)",
  )
  assert.equal(code.match(/setTimeout/g)?.length, 1)
  assert.equal(code.split('\n').length, 2)
})

const refusals: [string, ReturnType<typeof file>[], RegExp][] = [
  ['a service imports another', [file('kubelet/a.ts', "import '../dns/b.ts'"), target('dns/b.ts')], /a service never imports another/],
  ['a room imports a later one', [file('shared/time/a.ts', "import '../client/b.ts'"), target('shared/client/b.ts')], /time comes before/],
  ['a new room without a place', [file('shared/stuff/a.ts', "import '../time/b.ts'"), target('shared/time/b.ts')], /no place in the order/],
  ['shared imports a service', [file('shared/time/a.ts', "import '../../dns/b.ts'"), target('dns/b.ts')], /belongs into shared/],
  [
    'the store imports the registry',
    [file('apiserver/storage/a.ts', "import '../registry/b.ts'"), target('apiserver/registry/b.ts')],
    /may import only shared/,
  ],
  [
    'a kind is imported by name',
    [file('apiserver/x.ts', "import './resources/core/pod.ts'"), target('apiserver/resources/core/pod.ts')],
    /resources\/load\.ts/,
  ],
  ['the product imports a test', [file('dns/a.ts', "import './b.test.ts'"), target('dns/b.test.ts')], /does not depend on tests/],
  [
    'a service imports what is simulated',
    [file('dns/a.ts', "import '../simulation/b.ts'"), target('simulation/b.ts')],
    /not the product of it/,
  ],
  [
    'what is simulated reaches into a service',
    [file('simulation/a.ts', "import '../dns/b.ts'"), target('dns/b.ts')],
    /builds services by their create/,
  ],
  ['a file that is not there', [file('dns/a.ts', "import './gone.ts'")], /not a file of the tree/],
  [
    'two files import each other',
    [file('dns/a.ts', "import './b.ts'"), file('dns/b.ts', "import './a.ts'")],
    /dns\/a\.ts → dns\/b\.ts → dns\/a\.ts/,
  ],
  ['a folder looks back at its loader', [target('dns/load.ts'), file('dns/b.ts', "import './load.ts'")], /imports itself/],
  ['a bare timer', [file('dns/a.ts', 'setTimeout(f, 1)')], /dns\/a\.ts:1: setTimeout: use clock/],
  ['the ambient clock', [file('dns/a.ts', '\nconst x = Date.now()')], /a\.ts:2: Date\.now/],
  ['the end of the process', [file('dns/a.ts', 'process.exit(1)')], /only main\.ts/],
  ['timers by import', [file('dns/a.ts', "import { setTimeout as s } from 'node:timers/promises'")], /node:timers/],
]

for (const [name, files, why] of refusals) {
  test(`refused: ${name}`, () => {
    const findings = importFindings(files)
    assert.equal(findings.length, 1, findings.join('\n'))
    assert.match(findings[0] ?? '', why)
  })
}

test('what is right is let through', () => {
  const files = [
    file('dns/main.ts', "import { run } from '../shared/process/run.ts'\nprocess.exit(await run())"),
    file('shared/process/run.ts', "import '../client/a.ts'"),
    file('shared/client/a.ts', "import type { X } from '../process/run.ts'".replace('process/run', 'time/clock')),
    file('shared/time/clock.ts', 'setTimeout(f, 1); Date.now()'),
    file('dns/server.test.ts', "import './server.ts'\nDate.now()"),
    file('dns/server.ts', "import type { Y } from './zone.ts'\nconst at = new Date(5)"),
    file('dns/zone.ts', "import './server.ts'"),
    file('simulation/time/turns.ts', "import { setImmediate } from 'node:timers/promises'"),
    file('simulation/cluster.ts', "import '../dns/create-dns.ts'\nimport '../apiserver/storage/memory-storage.ts'"),
    target('dns/create-dns.ts'),
    target('apiserver/storage/memory-storage.ts'),
    file('test/integration/x.test.ts', "import '../../dns/main.ts'"),
  ]
  assert.deepEqual(importFindings(files), [])
})

test('long files are found, and so are exceptions that are needless', () => {
  const long = file('dns/long.ts', 'x\n'.repeat(401))
  const short = file('dns/short.ts', 'x\n'.repeat(400))
  assert.match(sizeFindings([long, short], {})[0] ?? '', /dns\/long\.ts: 401 lines/)
  assert.deepEqual(sizeFindings([long, short], { 'dns/long.ts': 'a table' }), [])
  assert.match(sizeFindings([short], { 'dns/short.ts': 'once' })[0] ?? '', /not too long any more/)
})
