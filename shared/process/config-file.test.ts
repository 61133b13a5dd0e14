import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ConfigError } from './config.ts'
import { type ConfigFileKind, closedObject, unusedFields } from './config-file.ts'
import { readAllConfig } from './run.ts'
import { duration, integer, path, text } from './setting.ts'

const settings = {
  config: path('a file'),
  mode: text('how', 'slow'),
  workers: integer('how many', 4, 1, 64),
  period: duration('how often', 1000),
}
const configFile: ConfigFileKind = {
  apiVersion: 'thing.example/v1',
  kind: 'ThingConfiguration',
  fields: {
    mode: { enum: ['slow', 'fast'] },
    workers: { type: 'integer' },
    period: { type: 'string' },
    limits: closedObject({ depth: { type: 'integer' }, ...unusedFields(['width']) }),
    ...unusedFields(['colour']),
  },
  read: (content) => Object.fromEntries(Object.entries(content).map(([field, value]) => [field, { field, text: String(value) }])),
}

function written(context: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'config-'))
  context.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'thing.yaml'), content)
  return join(folder, 'thing.yaml')
}

const HEAD = 'apiVersion: thing.example/v1\nkind: ThingConfiguration\n'
const read = (file: string, args: string[] = [], env: Record<string, string> = {}) =>
  readAllConfig({ name: 'thing', summary: '', settings, configFile }, { args: [`--config=${file}`, ...args], env })

test('a file gives what neither flags nor environment give, in YAML or JSON', async (context) => {
  const file = written(context, `${HEAD}mode: fast\nworkers: 8\nperiod: 1m30s\n`)
  const { config, warnings } = await read(file, ['--workers=9'], { COXSWAIN_MODE: 'odd' })
  assert.deepEqual(config, { config: file, mode: 'odd', workers: 9, period: 90_000 })
  assert.deepEqual(warnings, [])
  const json = written(context, JSON.stringify({ apiVersion: configFile.apiVersion, kind: configFile.kind, workers: 8 }))
  assert.equal((await read(json)).config.workers, 8)
})

test('fields of the kind that nothing acts on are told, at every depth', async (context) => {
  const file = written(context, `${HEAD}colour: red\nlimits: { depth: 1, width: 2 }\n`)
  const { warnings } = await read(file)
  assert.deepEqual(
    warnings.map((warning) => warning.replace(`${file}: `, '')),
    ['limits.width', 'colour'].map((field) => `${field} is a field of ThingConfiguration that nothing here acts on yet`),
  )
})

const refusals: [string, string, RegExp][] = [
  ['an unknown field', `${HEAD}worker: 8`, /thing\.yaml: worker: unknown field; did you mean workers\?/],
  ['an unknown field deep inside', `${HEAD}limits: { dept: 1 }`, /limits\.dept: unknown field; did you mean depth\?/],
  ['a name that every object inherits', `${HEAD}constructor: 1`, /constructor: unknown field/],
  ['another type', `${HEAD}workers: many`, /workers: must be integer/],
  ['a word that is none of those', `${HEAD}mode: odd`, /mode: must be one of \["slow","fast"\]/],
  ['two at once', `${HEAD}mode: odd\nworker: 1`, /worker: unknown[\s\S]*mode: must be|mode: must be[\s\S]*worker: unknown/],
  ['what the setting does not take', `${HEAD}workers: 65`, /thing\.yaml: workers: 65 is not between 1 and 64/],
  ['a period that is none', `${HEAD}period: soon`, /thing\.yaml: period: "soon" is not a duration/],
  ['another kind', 'apiVersion: thing.example/v2\nkind: Thing', /holds thing\.example\/v2, Kind=Thing, where thing\.example\/v1/],
  ['no object', '- a', /holds no object/],
  ['nothing', '', /holds no object/],
  ['no YAML', 'a: [', /cannot be read/],
]
for (const [what, content, why] of refusals) {
  test(`refused with the place and the cure: ${what}`, async (context) => {
    await assert.rejects(read(written(context, content)), (error) => error instanceof ConfigError && why.test(error.message))
  })
}

test('a file that is not there is named', async () => {
  await assert.rejects(read('/nowhere/thing.yaml'), /\/nowhere\/thing\.yaml cannot be read: ENOENT/)
})

test('without a file no schema checker is loaded', () => {
  const script = `
    const { readAllConfig } = await import('./shared/process/run.ts')
    await readAllConfig({ name: 'x', summary: '', settings: {} }, { args: [], env: {} })
    const { createRequire } = await import('node:module')
    const loaded = Object.keys(createRequire(process.cwd() + '/x.js').cache)
    console.log(loaded.filter((path) => /node_modules.(ajv|yaml)/.test(path)).length)`
  const root = join(import.meta.dirname, '../..')
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, stdio: 'pipe' }).toString()
  assert.equal(printed.trim(), '0')
})
