import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isTrue } from '../../shared/objects/conditions.ts'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { backupDefinition, backupVersion, smallestDefinition } from '../harness/custom-definitions.ts'
import { eventually } from '../harness/eventually.ts'
import { type HookServer, hookServer, machineAddress, serverPapers } from '../harness/hook-server.ts'
import { soon } from '../harness/soon.ts'

let api: TestApi
let converter: HookServer
/** Whether the converter does its work. */
let isWilling = true
const CRD = ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'] as const
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

interface Backup {
  apiVersion: string
  kind: string
  metadata: { name: string; resourceVersion?: string; labels?: Record<string, string> }
  spec: Record<string, unknown>
  items: Backup[]
}

const seen = (answer: Answer, status = 200): Backup => {
  assert.equal(answer.status, status, answer.text)
  return answer.json as unknown as Backup
}
const open = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
const versionOf = (name: string, storage: boolean) => backupVersion(name, { storage, schema: open, selectableFields: undefined })
const backup = (group: string, version: string, name: string, spec: object) => ({
  ...{ apiVersion: `${group}/${version}`, kind: 'Backup', metadata: { name }, spec },
})
const path = (group: string, version: string, name = '') => `/apis/${group}/${version}/namespaces/default/backups${name && `/${name}`}`

async function define(definition: object): Promise<string> {
  const { metadata } = seen(await api.request('POST', DEFINITIONS, definition), 201)
  await eventually(api.client(), CRD, (all) => {
    const made = all.find((each) => each.metadata.name === metadata.name)
    return isTrue(made?.status.conditions ?? [], 'Established')
  })
  return metadata.name
}

interface Review {
  request: { uid: string; desiredAPIVersion: string; objects: Backup[] }
}

/** In v2 the one `place` is two fields. */
function converted(object: Backup, apiVersion: string): Backup {
  const { place, host, port, ...others } = object.spec as Record<string, string>
  const [before, behind] = (place ?? '').split(':')
  const spec = apiVersion.endsWith('/v2') ? { ...others, host: before, port: behind } : { ...others, place: `${host}:${port}` }
  return { ...object, apiVersion, spec }
}

before(async () => {
  api = await startApi()
  const papers = await serverPapers({ ip: [machineAddress()] })
  converter = await hookServer(papers, (request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { uid, desiredAPIVersion, objects } = (JSON.parse(Buffer.concat(parts).toString()) as Review).request
      const result = isWilling ? { status: 'Success' } : { status: 'Failure', message: 'not today' }
      const convertedObjects = isWilling ? objects.map((object) => converted(object, desiredAPIVersion)) : []
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ kind: 'ConversionReview', response: { uid, result, convertedObjects } }))
    })
  })
})
after(async () => {
  converter.close()
  await api.stop()
})

test('versions that differ in their names only are one store; the storage version may move', async () => {
  const group = 'named.example.com'
  const name = await define(backupDefinition(group, { versions: [versionOf('v1', true), versionOf('v2', false)] }))
  seen(await api.request('POST', path(group, 'v2'), backup(group, 'v2', 'a', { x: 1 })), 201)
  assert.equal(seen(await api.request('GET', path(group, 'v1', 'a'))).apiVersion, `${group}/v1`)
  const definition = (await api.request('GET', `${DEFINITIONS}/${name}`)).json as {
    spec: { versions: object[] }
    status: { storedVersions: string[] }
  }
  definition.spec.versions = [versionOf('v1', false), versionOf('v2', true)]
  const changed = await api.request('PUT', `${DEFINITIONS}/${name}`, definition)
  assert.deepEqual((changed.json['status'] as { storedVersions: string[] }).storedVersions, ['v1', 'v2'])
  seen(await api.request('POST', path(group, 'v1'), backup(group, 'v1', 'b', { x: 2 })), 201)
  for (const version of ['v1', 'v2']) {
    const { items } = seen(await api.request('GET', path(group, version)))
    assert.deepEqual(
      items.map((each) => [each.apiVersion, each.metadata.name, each.spec]),
      [
        [`${group}/${version}`, 'a', { x: 1 }],
        [`${group}/${version}`, 'b', { x: 2 }],
      ],
    )
  }
  const without = { ...definition, spec: { ...definition.spec, versions: [versionOf('v2', true)] } }
  const { metadata: _metadata, ...rest } = without as unknown as { metadata: object }
  const refused = await api.request('PUT', `${DEFINITIONS}/${name}`, { ...rest, metadata: changed.json['metadata'] })
  assert.match(refused.text, /status\.storedVersions\[0\]: Invalid value: \\"v1\\": must appear in spec\.versions/)
})

test('a webhook converts what is written, read, listed, patched and watched, in order', async () => {
  const group = 'asked.example.com'
  const { caBundle, host, port } = converter
  const clientConfig = { url: `https://${host}:${port}/convert`, caBundle }
  const conversion = { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } }
  await define(backupDefinition(group, { versions: [versionOf('v1', true), versionOf('v2', false)], conversion }))
  const list = seen(await api.request('GET', path(group, 'v2')))
  const names: [string, unknown][] = []
  const watching = (async () => {
    const query = { resourceVersion: list.metadata.resourceVersion!, allowWatchBookmarks: 'true' }
    for await (const { type, object } of api.client().watchPath(path(group, 'v2'), { query })) {
      const { apiVersion, metadata, spec } = object as Backup
      if (type === 'BOOKMARK') continue
      assert.equal(apiVersion, `${group}/v2`)
      names.push([metadata.name, spec['host']])
      if (names.length === 12) return
    }
  })()
  const made = seen(await api.request('POST', path(group, 'v2'), backup(group, 'v2', 'n0', { host: 'h', port: '1' })), 201)
  assert.deepEqual(made.spec, { host: 'h', port: '1' })
  assert.deepEqual(seen(await api.request('GET', path(group, 'v1', 'n0'))).spec, { place: 'h:1' })
  for (let n = 1; n <= 10; n++) seen(await api.request('POST', path(group, 'v1'), backup(group, 'v1', `n${n}`, { place: `h${n}:2` })), 201)
  const merge = { 'content-type': 'application/merge-patch+json' }
  assert.deepEqual(seen(await api.request('PATCH', path(group, 'v2', 'n0'), { spec: { host: 'i' } }, merge)).spec, { host: 'i', port: '1' })
  await watching
  assert.deepEqual(names, [['n0', 'h'], ...Array.from({ length: 10 }, (_, n) => [`n${n + 1}`, `h${n + 1}`]), ['n0', 'i']])
  assert.equal(
    seen(await api.request('GET', path(group, 'v2'))).items.every(({ spec }) => 'host' in spec),
    true,
  )
  isWilling = false
  const failed = await api.request('GET', path(group, 'v2', 'n1'))
  isWilling = true
  assert.equal(failed.status, 500)
  assert.match(failed.text, /conversion webhook for asked\.example\.com\/v1, Kind=Backup failed: not today/)
  const metadataOnly = { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' }
  isWilling = false
  assert.equal(seen(await api.request('GET', path(group, 'v2'), undefined, metadataOnly)).items.length, 11, 'metadata needs no converter')
  isWilling = true
})

test('each served version is published in OpenAPI, and its documents change with it', async () => {
  const group = 'published.example.com'
  const before = await api.request('GET', '/openapi/v2')
  const name = await define(backupDefinition(group))
  const after = await api.request('GET', '/openapi/v2')
  assert.notEqual(after.header('etag'), before.header('etag'))
  const { definitions } = after.json as { definitions: Record<string, { properties: Record<string, unknown> }> }
  const older = definitions['com.example.published.v1.Backup']
  assert.deepEqual(Object.keys(older?.properties ?? {}).sort(), ['apiVersion', 'kind', 'metadata', 'spec', 'status'])
  const open = await define(smallestDefinition('opens', group))
  const withOpen = (await api.request('GET', '/openapi/v2')).json as { definitions: Record<string, object> }
  assert.deepEqual(withOpen.definitions['com.example.published.v1.Opens'], {
    type: 'object',
    'x-kubernetes-group-version-kind': [{ group, kind: 'Opens', version: 'v1' }],
  })
  await api.request('DELETE', `${DEFINITIONS}/${open}`)
  await soon(async () => assert.equal((await api.request('GET', `/apis/${group}/v1/opens`)).status, 404))
  assert.equal((await api.request('GET', '/openapi/v2', undefined, { 'if-none-match': after.header('etag')! })).status, 304)
  const index = (await api.request('GET', '/openapi/v3')).json as { paths: Record<string, { serverRelativeURL: string }> }
  const newer = await api.request('GET', index.paths[`apis/${group}/v1`]!.serverRelativeURL)
  const { schemas } = (newer.json as { components: { schemas: Record<string, Record<string, unknown>> } }).components
  assert.deepEqual(schemas['com.example.published.v1.Backup']?.['x-kubernetes-group-version-kind'], [
    { group, kind: 'Backup', version: 'v1' },
  ])
  await api.request('DELETE', `${DEFINITIONS}/${name}`)
  await soon(async () => assert.equal((await api.request('GET', `/openapi/v3/apis/${group}/v1`)).status, 404))
})

test('schemas of strangers are refused with the place that is wrong', async () => {
  const problem = async (spec: object, more: object = {}, code = 422) => {
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec }, ...more } }
    const answer = await api.request(
      'POST',
      DEFINITIONS,
      backupDefinition('odd.example.com', {
        versions: [backupVersion('v1', { schema, subresources: undefined, selectableFields: undefined })],
      }),
    )
    assert.equal(answer.status, code, answer.text)
    return String(answer.json['message'])
  }
  let deep: object = { type: 'string' }
  for (let depth = 0; depth < 100; depth++) deep = { type: 'object', properties: { a: deep } }
  assert.match(await problem(deep), /nested 80 deep/)
  assert.match(await problem({ $ref: '#/x' }), /\.properties\[spec\]\.\$ref: Forbidden: \$ref is not supported/)
  assert.match(
    await problem({ type: 'string', pattern: '(?<=a)b' }),
    /properties\[spec\]\.pattern: Invalid value: .* must be a valid regular expression/,
  )
  assert.match(await problem({ type: 'array', uniqueItems: true, items: { type: 'string' } }), /runtime complexity becomes quadratic/)
  assert.match(
    await problem({ properties: { a: { type: 'string' } } }),
    /properties\[spec\]\.type: Required value: must not be empty for specified object fields/,
  )
  assert.match(await problem({ type: 'integer', default: 'x' }), /properties\[spec\]\.default: Invalid value: .*must be of type integer/)
  assert.match(
    await problem({ type: 'object', anyOf: [{ properties: { a: { minimum: 1 } } }] }),
    /properties\[spec\]\.properties\[a\]: Required value: because it is defined in/,
  )
  assert.match(await problem({ type: 'string' }, { items: 7 }, 400), /cannot unmarshal number into .*openAPIV3Schema\.items/)
})

test('a schema that multiplies work is cut short, and a pattern that would explode is matched in time', async () => {
  const group = 'costly.example.com'
  const many = Array.from({ length: 2_000 }, (_, n) => ({ required: [`f${n}`] }))
  const spec = {
    type: 'object',
    properties: {
      rows: { type: 'array', items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, anyOf: many } },
      text: { type: 'string', pattern: '^(a+)+$' },
    },
  }
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } }
  await define(
    backupDefinition(group, {
      versions: [
        backupVersion('v1', { schema, subresources: undefined, selectableFields: undefined, additionalPrinterColumns: undefined }),
      ],
    }),
  )
  const costly = await api.request(
    'POST',
    path(group, 'v1'),
    backup(group, 'v1', 'a', { rows: Array.from({ length: 9_000 }, () => ({ f1999: 1 })) }),
  )
  assert.equal(costly.status, 422)
  assert.match(costly.text, /takes more than \d+ steps/)
  const text = `${'a'.repeat(20_000)}!`
  assert.equal((await api.request('POST', path(group, 'v1'), backup(group, 'v1', 'b', { text }))).status, 422)
})
