import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { lateServices } from '../registry/late-services.ts'
import { decodeObject } from '../registry/schema-check.ts'
import { loadResources } from './load.ts'

test('every file is a kind, no kind twice, and each can print an empty object', async () => {
  const definitions = await loadResources(lateServices().services)
  const kinds = new Set(definitions.map((definition) => `${definition.apiVersion} ${definition.kind}`))
  assert.equal(kinds.size, definitions.length)
  for (const kind of ['v1 Pod', 'v1 Service', 'apps/v1 Deployment', 'authorization.k8s.io/v1 SelfSubjectAccessReview'])
    assert.ok(kinds.has(kind), kind)
  for (const { apiVersion, kind, hooks } of definitions) {
    const object = decodeObject(apiVersion, kind, {}, { fieldValidation: 'Strict' })
    for (const column of hooks.columns ?? []) {
      const value = column.value(object, 0)
      assert.ok(value === undefined || ['string', 'number', 'boolean'].includes(typeof value), `${kind} ${column.name}`)
    }
    for (const field of Object.values(hooks.selectableFields ?? {})) assert.equal(typeof field(object), 'string', kind)
  }
})

test('an empty object never breaks defaults or validation', async () => {
  for (const { apiVersion, kind, hooks } of await loadResources(lateServices().services)) {
    const object = decodeObject(apiVersion, kind, {}, { fieldValidation: 'Strict' })
    hooks.applyDefaults?.(object, {} as never)
    const problems = [...(hooks.validate?.(object) ?? [])]
    for (const problem of problems) assert.ok(problem.message.length > 0, `${kind} ${problem.path}`)
    hooks.applyDefaults?.(object, {} as never)
  }
})

test('docs/resources.md lists exactly the kinds that are served', async () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'resources.md'), 'utf8')
  const listed = [...text.matchAll(/^\| (\w+) \| (\S+) \|/gm)].map(([, kind, apiVersion]) => `${apiVersion} ${kind}`)
  const served = (await loadResources(lateServices().services)).map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)
  const rows = listed.filter((row) => !row.endsWith(' kind'))
  assert.deepEqual(rows.sort(), served.sort())
})
