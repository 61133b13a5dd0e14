import assert from 'node:assert/strict'
import { test } from 'node:test'
import { javaScriptOf } from './strip-types.ts'

test('types go, imports name JavaScript, and lines stay where they are', () => {
  const source = [
    "import type { A } from './a.ts'",
    "import { b } from '../b.ts'",
    'interface C { readonly d: A }',
    "export const child = new URL('./child.ts', import.meta.url)",
    "export const late = async (c: C) => (await import('./step.ts')).f(b as number, c, 'a.ts is no path')",
  ].join('\n')
  const lines = javaScriptOf(source).split('\n')
  assert.equal(lines.length, 5)
  assert.equal(lines[0]?.trim(), '')
  assert.match(lines[1] ?? '', /from '\.\.\/b\.js'/)
  assert.match(lines[3] ?? '', /'\.\/child\.js'/)
  assert.match(lines[4] ?? '', /import\('\.\/step\.js'\).*'a\.ts is no path'/)
})
