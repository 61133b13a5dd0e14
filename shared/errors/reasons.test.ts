import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { reasonCodes } from './reasons.ts'

test('docs/errors.md lists exactly the reasons there are, with their codes', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')
  const rows = [...page.matchAll(/^\| ([A-Z]\w+) \| (\d{3}) \|/gm)].map((row) => [row[1], Number(row[2])])
  assert.deepEqual(rows, Object.entries(reasonCodes))
})
