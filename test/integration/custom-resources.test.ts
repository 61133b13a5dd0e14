import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { isTrue } from '../../shared/objects/conditions.ts'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { backupDefinition, backupSpec, backupVersion } from '../harness/custom-definitions.ts'
import { eventually } from '../harness/eventually.ts'
import { soon } from '../harness/soon.ts'

let api: TestApi
const CRD = ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'] as const
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const GROUP = 'tools.example.com'
const BACKUPS = `/apis/${GROUP}/v1/namespaces/default/backups`

interface Seen {
  kind: string
  apiVersion: string
  metadata: Record<string, unknown> & { name: string; resourceVersion: string; generation: number; finalizers?: string[] }
  spec: Record<string, unknown>
  status?: Record<string, unknown>
  items: Seen[]
}

const seen = (answer: Answer, status = 200): Seen => {
  assert.equal(answer.status, status, answer.text)
  return answer.json as unknown as Seen
}
const refused = (answer: Answer, status: number): string => {
  assert.equal(answer.status, status, answer.text)
  return String(answer.json['message'])
}
const backup = (name: string, spec: object = {}, version = 'v1') => ({
  apiVersion: `${GROUP}/${version}`,
  kind: 'Backup',
  metadata: { name },
  spec: { timetable: '* * * * */5', ...spec },
})

/** Makes a definition, and waits until it is established. */
async function define(definition: object, on = api): Promise<string> {
  const { metadata } = seen(await on.request('POST', DEFINITIONS, definition), 201)
  await eventually(on.client(), CRD, (all) => {
    const made = all.find((each) => each.metadata.name === metadata.name)
    return isTrue(made?.status.conditions ?? [], 'Established')
  })
  return metadata.name
}

before(async () => {
  api = await startApi()
  await define(backupDefinition(GROUP))
})
after(() => api.stop())

test('a definition gives a kind: made, read, listed, changed, patched and deleted', async () => {
  const made = seen(await api.request('POST', BACKUPS, backup('one', { targets: [{ name: 'a' }] })), 201)
  assert.deepEqual(made.spec, { timetable: '* * * * */5', replicas: 1, kind: 'full', targets: [{ name: 'a', path: '/' }] })
  assert.equal(made.metadata.generation, 1)
  assert.equal(made.status, undefined)
  assert.deepEqual(seen(await api.request('GET', `${BACKUPS}/one`)), made)
  const list = seen(await api.request('GET', BACKUPS))
  assert.equal(list.kind, 'BackupList')
  assert.deepEqual(list.items, [made])
  const changed = seen(await api.request('PUT', `${BACKUPS}/one`, { ...made, spec: { ...made.spec, replicas: 3 } }))
  assert.equal(changed.metadata.generation, 2)
  const merge = { 'content-type': 'application/merge-patch+json' }
  const patched = seen(await api.request('PATCH', `${BACKUPS}/one`, { spec: { note: 'x', replicas: null } }, merge))
  assert.equal(patched.spec['replicas'], 1, 'what is taken away comes back as the default')
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
  refused(await api.request('PATCH', `${BACKUPS}/one`, { spec: { note: 'y' } }, strategic), 415)
  seen(await api.request('DELETE', `${BACKUPS}/one`))
  refused(await api.request('GET', `${BACKUPS}/one`), 404)
})

test('what the schema does not say is dropped, or refused where that is asked for', async () => {
  const odd = backup('odd', {
    unknownField: 1,
    free: { any: { thing: [1] } },
    labels: { a: 'b' },
    template: { apiVersion: 'v1', kind: 'X', more: 1 },
  })
  const made = seen(await api.request('POST', `${BACKUPS}?fieldValidation=Ignore`, odd), 201)
  assert.equal(made.spec['unknownField'], undefined)
  assert.deepEqual(made.spec['free'], { any: { thing: [1] } })
  assert.deepEqual(made.spec['template'], { apiVersion: 'v1', kind: 'X', more: 1 })
  const warned = await api.request('POST', BACKUPS, { ...odd, metadata: { name: 'odd2' } })
  assert.match(warned.header('warning') ?? '', /unknown field \\?"spec\.unknownField/)
  const text = JSON.stringify(backup('odd3', { unknownField: 1, replicas: 2 })).replace('"replicas":2', '"replicas":2,"replicas":3')
  const message = refused(await api.request('POST', `${BACKUPS}?fieldValidation=Strict`, text), 400)
  assert.ok(message.endsWith('strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas"'), message)
})

test('what is wrong by the schema is told in the words of upstream', async () => {
  const problems = async (spec: object) => {
    const answer = await api.request('POST', BACKUPS, { ...backup('bad'), spec })
    assert.equal(answer.status, 422, answer.text)
    const { causes } = answer.json['details'] as { causes: { field: string; message: string }[] }
    return causes.map(({ field, message }) => `${field}: ${message}`).sort()
  }
  assert.deepEqual(await problems({ timetable: '* * * * *', replicas: 'string' }), [
    'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"',
  ])
  assert.deepEqual(await problems({}), ['spec.timetable: Required value'])
  assert.deepEqual(
    await problems({ timetable: '* * * * *', kind: 'half', replicas: 11, tags: ['a', 'a'], note: 'x'.repeat(21) }),
    [
      'spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10',
      'spec.kind: Unsupported value: "half": supported values: "full", "partial"',
      'spec.tags[1]: Duplicate value: "a"',
      'spec.note: Too long: may not be more than 20 bytes',
    ].sort(),
  )
})

test('status and scale have lives of their own', async () => {
  const made = seen(await api.request('POST', BACKUPS, { ...backup('two'), status: { phase: 'x' } }), 201)
  assert.equal(made.status, undefined)
  const status = { replicas: 4, selector: 'a=b' }
  const written = seen(await api.request('PUT', `${BACKUPS}/two/status`, { ...made, spec: { ...made.spec, replicas: 7 }, status }))
  assert.deepEqual(written.status, status)
  assert.equal(written.spec['replicas'], 1)
  assert.equal(written.metadata.generation, 1)
  const scale = seen(await api.request('GET', `${BACKUPS}/two/scale`))
  assert.equal(scale.kind, 'Scale')
  assert.deepEqual([scale.spec, scale.status], [{ replicas: 1 }, status])
  seen(await api.request('PUT', `${BACKUPS}/two/scale`, { ...scale, spec: { replicas: 5 } }))
  assert.equal(seen(await api.request('GET', `${BACKUPS}/two`)).spec['replicas'], 5)
})

test('it is found in discovery, shown in columns, and selected by its fields', async () => {
  const { resources } = (await api.request('GET', `/apis/${GROUP}/v1`)).json as { resources: { name: string; shortNames?: string[] }[] }
  assert.deepEqual(
    resources.map(({ name }) => name),
    ['backups', 'backups/scale', 'backups/status'],
  )
  assert.deepEqual(resources[0]?.shortNames, ['bk'])
  seen(await api.request('POST', BACKUPS, backup('partial', { kind: 'partial' })), 201)
  const picked = seen(await api.request('GET', `${BACKUPS}?fieldSelector=spec.kind%3Dpartial`))
  assert.deepEqual(
    picked.items.map(({ metadata }) => metadata.name),
    ['partial'],
  )
  refused(await api.request('GET', `${BACKUPS}?fieldSelector=spec.note%3Dx`), 400)
  const accept = { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' }
  const table = (await api.request('GET', `${BACKUPS}/partial`, undefined, accept)).json as unknown as {
    columnDefinitions: { name: string }[]
    rows: { cells: unknown[] }[]
  }
  assert.deepEqual(
    table.columnDefinitions.map(({ name }) => name),
    ['Name', 'Timetable', 'Replicas', 'Age'],
  )
  assert.deepEqual(table.rows[0]?.cells.slice(0, 3), ['partial', '* * * * */5', 1])
})

test('a definition that goes takes its objects with it, and its watches end', async () => {
  const group = 'going.example.com'
  const name = await define(backupDefinition(group))
  const path = `/apis/${group}/v1/namespaces/default/backups`
  seen(await api.request('POST', path, { ...backup('last'), apiVersion: `${group}/v1` }), 201)
  const events: string[] = []
  const watching = (async () => {
    for await (const { type } of api.client().watchPath(path, { query: { resourceVersion: '1' } })) events.push(type)
  })()
  const marked = seen(await api.request('DELETE', `${DEFINITIONS}/${name}`))
  assert.deepEqual(marked.metadata.finalizers, ['customresourcecleanup.apiextensions.k8s.io'])
  await watching
  await eventually(api.client(), CRD, (all) => all.every(({ metadata }) => metadata.name !== name))
  refused(await api.request('GET', path), 404)
  await define(backupDefinition(group))
  assert.deepEqual(seen(await api.request('GET', path)).items, [])
})

test('a schema that has changed shows old objects with its defaults', async () => {
  const group = 'changing.example.com'
  const name = await define(backupDefinition(group))
  const path = `/apis/${group}/v1/namespaces/default/backups/old`
  seen(await api.request('POST', path.slice(0, -4), { ...backup('old', { note: 'n' }), apiVersion: `${group}/v1` }), 201)
  const definition = seen(await api.request('GET', `${DEFINITIONS}/${name}`))
  const { note: _note, ...others } = backupSpec.properties
  const spec = { ...backupSpec, properties: { ...others, added: { type: 'string', default: 'yes' } } }
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } }
  definition.spec['versions'] = [backupVersion('v1', { schema })]
  seen(await api.request('PUT', `${DEFINITIONS}/${name}`, definition))
  await soon(async () => {
    const { spec: shown } = seen(await api.request('GET', path))
    assert.equal(shown['added'], 'yes')
    assert.equal(shown['note'], undefined)
  })
})

test('kinds and their objects are there again after a restart, by the disk', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'coxswain-custom-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const start = () => startApi({ args: ['--storage', 'leveldb', '--data-dir', folder] })
  const group = 'lasting.example.com'
  const path = `/apis/${group}/v1/namespaces/default/backups`
  const first = await start()
  try {
    await define(backupDefinition(group), first)
    for (const kind of ['full', 'partial']) {
      const body = { ...backup(kind, { kind }), apiVersion: `${group}/v1` }
      seen(await first.request('POST', path, { ...body, metadata: { name: kind, labels: { kind } } }), 201)
    }
  } finally {
    await first.stop()
  }
  const second = await start()
  try {
    for (const query of ['fieldSelector=spec.kind%3Dpartial', 'labelSelector=kind%3Dpartial']) {
      const { items } = seen(await second.request('GET', `${path}?${query}`))
      assert.deepEqual(
        items.map(({ metadata }) => metadata.name),
        ['partial'],
        query,
      )
    }
    const read = seen(await second.request('GET', `${path}/full`))
    seen(await second.request('PUT', `${path}/full`, { ...read, spec: { ...read.spec, replicas: 4 } }))
    seen(await second.request('DELETE', `${DEFINITIONS}/backups.${group}`))
    await eventually(second.client(), CRD, (all) => all.length === 0)
  } finally {
    await second.stop()
  }
})

test('names that another definition of the group has are not given twice, until they are free', async () => {
  const group = 'names.example.com'
  const first = await define(backupDefinition(group))
  const other = { ...backupDefinition(group, { names: { plural: 'stores', kind: 'Store' } }), metadata: { name: `stores.${group}` } }
  seen(await api.request('POST', DEFINITIONS, other), 201)
  const conditionOf = async (status: string) => {
    const all = await eventually(api.client(), CRD, (each) =>
      each.some(
        ({ metadata, status: now }) =>
          metadata.name === `stores.${group}` && now.conditions?.some(({ type, status: is }) => type === 'NamesAccepted' && is === status),
      ),
    )
    return all.find(({ metadata }) => metadata.name === `stores.${group}`)?.status.conditions?.[0]
  }
  assert.equal((await conditionOf('False'))?.message, '"bk" is already in use')
  assert.equal((await api.request('GET', `/apis/${group}/v1/stores`)).status, 404)
  seen(await api.request('DELETE', `${DEFINITIONS}/${first}`))
  await conditionOf('True')
  seen(await api.request('GET', `/apis/${group}/v1/stores`))
})
