import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dependencyFindings } from './check-dependencies.ts'

const file = (path: string, text: string) => ({ path, text })

test('what is listed and used where it should be is let through', () => {
  const files = [
    file('dns/a.ts', "import { x } from 'used'\nimport type { T } from 'only-types'\nimport fs from 'node:fs'\nimport './b.ts'"),
    file('dns/c.ts', `const { x } = createRequire(import.meta.url)('required')\nimport type { X } from 'required'`),
    file('dns/b.ts', `const lazy = await import('@scope/lazy/deep')`),
    file('dns/a.test.ts', "import 'for-tests'\nimport 'used'"),
  ]
  const dependencies = { used: '1', '@scope/lazy': '1', required: '1' }
  const devDependencies = { 'for-tests': '1', 'only-types': '1', '@types/used': '1', '@types/node': '1', typescript: '1' }
  assert.deepEqual(dependencyFindings(files, { dependencies, devDependencies }), [])
})

const findings: [string, string, string, object, RegExp][] = [
  ['a dependency that nothing uses', 'dns/a.ts', '', { dependencies: { idle: '1' } }, /nothing imports idle/],
  ['a dependency that only a comment names', 'dns/a.ts', "// import 'idle'", { dependencies: { idle: '1' } }, /nothing imports idle/],
  ['a dependency that only tests use', 'dns/a.test.ts', "import 'x'", { dependencies: { x: '1' } }, /only tests and tools use x/],
  ['a dependency that only tools use', 'tools/a.ts', "import 'x'", { dependencies: { x: '1' } }, /it is a devDependency/],
  [
    'a dependency of which only types are used',
    'dns/a.ts',
    "import type { X } from 'x'",
    { dependencies: { x: '1' } },
    /it is a devDependency/,
  ],
  [
    'a devDependency that the product imports',
    'dns/a.ts',
    "\nimport 'x'",
    { devDependencies: { x: '1' } },
    /dns\/a\.ts:2: x is a devDependency/,
  ],
  ['a devDependency that nothing uses', 'dns/a.ts', '', { devDependencies: { x: '1' } }, /nothing uses the devDependency x/],
  ['types of a package that nothing uses', 'dns/a.ts', '', { devDependencies: { '@types/x': '1' } }, /@types\/x/],
  ['a package that came with another', 'dns/a.ts', "import 'x/y'", {}, /x is not listed/],
]
for (const [what, path, text, listed, why] of findings) {
  test(`found: ${what}`, () => {
    const found = dependencyFindings([file(path, text)], listed)
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', why)
  })
}
