import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startApi, type TestApi } from '../harness/api.ts'
import { configMap, deployment, node, pod, serviceAccount } from '../harness/bodies.ts'
import { backupDefinition } from '../harness/custom-definitions.ts'
import { minimalObjects } from '../harness/minimal-objects.ts'
import { type Loose, PROTOBUF_FIRST, type ProtobufClient, protobufClient, type Said } from '../harness/protobuf-client.ts'
import { servedKinds } from '../harness/served-kinds.ts'
import { soon } from '../harness/soon.ts'

const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const METADATA = 'as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
const METADATA_LIST = 'as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const BACKUPS = '/apis/proto.example.com/v1/namespaces/default/backups'

let api: TestApi
let client: ProtobufClient

before(async () => {
  api = await startApi({ listen: true })
  client = protobufClient(api)
  await client.ask('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
})
after(async () => {
  client.close()
  await api.stop()
})

const inProtobuf = (said: Said, status = 200): Loose => {
  assert.deepEqual([said.status, said.type], [status, PROTOBUF], said.bytes.toString())
  return said.value
}
const refused = (said: Said, code: number, reason: string): string => {
  const { kind, apiVersion, status, message, ...more } = inProtobuf(said, code)
  assert.deepEqual([kind, apiVersion, status, more.reason, more.code], ['Status', 'v1', 'Failure', reason, code])
  return message
}
const json = async (path: string): Promise<Loose> => (await api.request('GET', path)).json

test('every kind is created, read, listed, updated and deleted as it is in JSON', async () => {
  const kinds = await servedKinds(api)
  for (const { facts, path, isStored, minimal } of kinds) {
    const what = `${facts.apiVersion}/${facts.kind}`
    const own = minimalObjects.get(what) as Loose
    // Some kinds' names follow from what they are about.
    const name = own.metadata?.name
    const body = minimal(name === 'a' ? 'by-protobuf' : name) as Loose
    const made = await client.ask('POST', path, body)
    assert.deepEqual([made.status, made.type], [201, PROTOBUF], `${what}: ${made.bytes}`)
    assert.equal(made.value.kind, facts.kind)
    if (!isStored) continue
    const at = `${path}/${made.value.metadata.name}`
    // Controllers of the server itself may write the status meanwhile.
    await soon(async () => assert.deepEqual(inProtobuf(await client.ask('GET', at)), await json(at), what))
    const listed = inProtobuf(await client.ask('GET', path))
    const expected = await json(path)
    assert.deepEqual(listed.items.map(nameOf), expected.items.map(nameOf), what)
    assert.equal(listed.kind, `${facts.kind}List`)
    inProtobuf(await client.ask('PUT', at, inProtobuf(await client.ask('GET', at))))
    inProtobuf(await client.ask('DELETE', at))
  }
  assert.ok(kinds.length > 50, `only ${kinds.length} kinds`)
})

const nameOf = (object: Loose): string => object.metadata.name

test('what is sent back as it was read is no change, although maps travel in the order of their keys', async () => {
  const { json: made } = await api.request('POST', MAPS, configMap('ordered', { data: { b: '1', a: '2' } }))
  const read = inProtobuf(await client.ask('GET', `${MAPS}/ordered`))
  assert.deepEqual(Object.keys(read.data), ['a', 'b'])
  inProtobuf(await client.ask('PUT', `${MAPS}/ordered`, read))
  assert.deepEqual(await json(`${MAPS}/ordered`), made)
})

describe('sub-resources', () => {
  test('status', async () => {
    const { metadata } = inProtobuf(await client.ask('POST', '/api/v1/nodes', node('by-status')), 201)
    const body = { ...node('by-status'), metadata, status: { capacity: { cpu: '4', memory: '1Gi' } } }
    const answer = inProtobuf(await client.ask('PUT', '/api/v1/nodes/by-status/status', body))
    assert.deepEqual(answer.status.capacity, { cpu: '4', memory: '1Gi' })
  })

  test('scale', async () => {
    inProtobuf(await client.ask('POST', DEPLOYMENTS, deployment('scaled')), 201)
    const scale = inProtobuf(await client.ask('GET', `${DEPLOYMENTS}/scaled/scale`))
    assert.deepEqual([scale.apiVersion, scale.kind, scale.spec.replicas], ['autoscaling/v1', 'Scale', 1])
    const answer = inProtobuf(await client.ask('PUT', `${DEPLOYMENTS}/scaled/scale`, { ...scale, spec: { replicas: 3 } }))
    assert.equal(answer.spec.replicas, 3)
    assert.equal((await json(`${DEPLOYMENTS}/scaled`)).spec.replicas, 3)
  })

  test('binding, eviction and token', async () => {
    inProtobuf(await client.ask('POST', '/api/v1/nodes', node('place')), 201)
    inProtobuf(await client.ask('POST', PODS, pod('bound')), 201)
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'bound' }, target: { kind: 'Node', name: 'place' } }
    assert.equal(inProtobuf(await client.ask('POST', `${PODS}/bound/binding`, binding), 201).status, 'Success')
    assert.equal((await json(`${PODS}/bound`)).spec.nodeName, 'place')
    const deleteOptions = { gracePeriodSeconds: 0 }
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'bound' }, deleteOptions }
    assert.equal(inProtobuf(await client.ask('POST', `${PODS}/bound/eviction`, eviction), 201).status, 'Success')
    refused(await client.ask('GET', `${PODS}/bound`), 404, 'NotFound')
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['a'], expirationSeconds: 600 } }
    const token = inProtobuf(await client.ask('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', request), 201)
    assert.match(token.status.token, /^ey/)
  })

  test('options of a delete, of one and of many', async () => {
    for (const name of ['d1', 'd2', 'd3']) await client.ask('POST', MAPS, labelled(name, 'doomed'))
    const wrong = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'another' } }
    refused(await client.ask('DELETE', `${MAPS}/d1`, wrong), 409, 'Conflict')
    const orphaning = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Orphan', dryRun: ['All'] }
    inProtobuf(await client.ask('DELETE', `${MAPS}/d1`, orphaning))
    const gone = inProtobuf(await client.ask('DELETE', `${MAPS}?labelSelector=set=doomed`, { apiVersion: 'v1', kind: 'DeleteOptions' }))
    assert.deepEqual(gone.items.map(nameOf), ['d1', 'd2', 'd3'])
    assert.deepEqual((await json(`${MAPS}?labelSelector=set=doomed`)).items, [])
  })
})

const labelled = (name: string, set: string, data: object = {}) => ({ ...configMap(name, { data }), metadata: { name, labels: { set } } })

describe('lists', () => {
  test('pages are one snapshot', async () => {
    for (let n = 0; n < 5; n++) await client.ask('POST', MAPS, labelled(`page-${n}`, 'pages'))
    const names: string[] = []
    let next = ''
    do {
      const query = new URLSearchParams({ labelSelector: 'set=pages', limit: '2', ...(next ? { continue: next } : {}) })
      const { metadata, items } = inProtobuf(await client.ask('GET', `${MAPS}?${query}`))
      names.push(...items.map(nameOf))
      next = metadata.continue ?? ''
    } while (next)
    assert.deepEqual(names, ['page-0', 'page-1', 'page-2', 'page-3', 'page-4'])
  })

  test('a large one is streamed, and says its length', async () => {
    for (let n = 0; n < 5; n++) await client.ask('POST', MAPS, labelled(`large-${n}`, 'large', { big: String(n).repeat(300_000) }))
    const path = `${MAPS}?labelSelector=set=large`
    const said = await client.ask('GET', path)
    assert.equal(Number(said.headers['content-length']), said.bytes.length)
    const { items, ...list } = inProtobuf(said)
    const { items: expected, ...others } = await json(path)
    assert.deepEqual(list, others)
    // What an item is follows from what the list is.
    assert.deepEqual(
      items,
      expected.map(({ kind: _, apiVersion: __, ...item }: Loose) => item),
    )
  })

  test('metadata only', async () => {
    const said = await client.ask('GET', `${MAPS}?labelSelector=set=pages`, undefined, { accept: `${PROTOBUF};${METADATA_LIST}` })
    const list = inProtobuf(said)
    assert.deepEqual([list.kind, list.apiVersion], ['PartialObjectMetadataList', 'meta.k8s.io/v1'])
    assert.deepEqual(list.items.map(nameOf), ['page-0', 'page-1', 'page-2', 'page-3', 'page-4'])
    const one = inProtobuf(await client.ask('GET', `${MAPS}/page-0`, undefined, { accept: `${PROTOBUF};${METADATA}` }))
    assert.deepEqual([one.kind, one.metadata.labels], ['PartialObjectMetadata', { set: 'pages' }])
  })
})

describe('watches', () => {
  test('two watchers see the same events, as JSON watchers do', async () => {
    const path = `${MAPS}?watch=true&labelSelector=set=seen&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`
    await client.ask('POST', MAPS, labelled('seen-first', 'seen'))
    const watches = [await client.watch(path), await client.watch(path)]
    await client.ask('POST', MAPS, labelled('seen', 'seen', { a: 'b' }))
    await client.ask('PUT', `${MAPS}/seen`, labelled('seen', 'seen', { a: 'c' }))
    await client.ask('DELETE', `${MAPS}/seen`)
    for (const { type, events } of watches) {
      assert.equal(type, `${PROTOBUF};stream=watch`)
      const seen: string[] = []
      for await (const { type: what, object } of events) {
        seen.push(`${what} ${object.kind} ${object.metadata.name ?? ''} ${object.data?.a ?? ''}`.trimEnd())
        if (what === 'BOOKMARK') assert.equal(object.metadata.annotations['k8s.io/initial-events-end'], 'true')
        if (what === 'DELETED') break
      }
      const changes = ['ADDED ConfigMap seen b', 'MODIFIED ConfigMap seen c', 'DELETED ConfigMap seen c']
      assert.deepEqual(seen, ['ADDED ConfigMap seen-first', 'BOOKMARK ConfigMap', ...changes])
    }
  })

  test('metadata only, also of what has no protobuf form', async () => {
    await define()
    const body = { metadata: { name: 'watched' }, spec: { timetable: '* * * * *' } }
    await api.request('POST', BACKUPS, { ...body, apiVersion: 'proto.example.com/v1', kind: 'Backup' })
    const { type, events } = await client.watch(`${BACKUPS}?watch=true`, `${PROTOBUF};${METADATA},application/json`)
    assert.equal(type, `${PROTOBUF};stream=watch`)
    for await (const { type: what, object } of events) {
      assert.deepEqual([what, object.kind, nameOf(object)], ['ADDED', 'PartialObjectMetadata', 'watched'])
      break
    }
  })

  test('the end of a watch that cannot go on is an event', async () => {
    const { type, events } = await client.watch(`${MAPS}?watch=true&resourceVersion=99999999`)
    assert.equal(type, `${PROTOBUF};stream=watch`)
    const [only, ...more] = await Array.fromAsync(events)
    assert.deepEqual([only?.type, only?.object.kind, only?.object.reason, more.length], ['ERROR', 'Status', 'Expired', 0])
  })

  test('what is wrong before it begins is an ordinary error', async () => {
    refused(await client.ask('GET', `${MAPS}?watch=true&resourceVersion=never`), 400, 'BadRequest')
  })
})

describe('errors', () => {
  test('are a Status in protobuf', async () => {
    refused(await client.ask('GET', `${MAPS}/nowhere`), 404, 'NotFound')
    await client.ask('POST', MAPS, configMap('twice'))
    refused(await client.ask('POST', MAPS, configMap('twice')), 409, 'AlreadyExists')
    assert.match(refused(await client.ask('POST', PODS, pod('BAD')), 422, 'Invalid'), /metadata\.name/)
    refused(await client.ask('PATCH', `${MAPS}/twice`, configMap('twice')), 415, 'UnsupportedMediaType')
    refused(await client.ask('GET', '/nowhere'), 404, 'NotFound')
    const other = await client.ask('POST', MAPS, Buffer.from('kind=ConfigMap'), { 'content-type': 'text/plain' })
    const types = 'application/json, application/yaml, application/vnd.kubernetes.protobuf'
    assert.ok(refused(other, 415, 'UnsupportedMediaType').endsWith(`accepted media types include: ${types}`))
  })

  test('are JSON for those who asked for a transformation only', async () => {
    const said = await client.ask('GET', `${MAPS}/nowhere`, undefined, { accept: `${PROTOBUF};${METADATA},application/json;${METADATA}` })
    assert.deepEqual([said.status, said.type, said.value.reason], [404, 'application/json', 'NotFound'])
  })

  test('a header that is too long is told, in JSON', async () => {
    const said = await client.ask('GET', MAPS, undefined, { accept: `${PROTOBUF},`.repeat(300) })
    assert.deepEqual([said.status, said.type], [431, 'application/json'])
  })
})

async function define(): Promise<void> {
  const definition = backupDefinition('proto.example.com') as Loose
  const made = await client.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
  if (made.status === 409) return
  assert.equal(made.status, 201, made.bytes.toString())
  await soon(async () => assert.equal((await api.request('GET', BACKUPS)).status, 200))
}

describe('custom resources', () => {
  before(define)

  test('their definition travels whole, schema and all', async () => {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/backups.proto.example.com'
    await soon(async () => assert.deepEqual(inProtobuf(await client.ask('GET', path)), await json(path)))
    const [version] = (backupDefinition('proto.example.com') as Loose).spec.versions
    assert.deepEqual((await json(path)).spec.versions[0].schema, version.schema)
  })

  test('they are JSON where that is acceptable, and not acceptable where it is not', async () => {
    const list = await client.ask('GET', BACKUPS)
    assert.deepEqual([list.status, list.type, list.value.kind], [200, 'application/json', 'BackupList'])
    const said = await client.ask('GET', BACKUPS, undefined, { accept: PROTOBUF })
    assert.match(refused(said, 406, 'NotAcceptable'), /^only the following media types are accepted: application\/json, application\/yaml$/)
  })

  test('a body in protobuf is of an unsupported type', async () => {
    assert.match(refused(await client.ask('POST', BACKUPS, configMap('a')), 415, 'UnsupportedMediaType'), /no protobuf form/)
  })

  test('their scale, their metadata, and the options of their end have a form', async () => {
    const body = { metadata: { name: 'scaled' }, spec: { timetable: '* * * * *', replicas: 2 } }
    await api.request('POST', BACKUPS, { ...body, apiVersion: 'proto.example.com/v1', kind: 'Backup' })
    const scale = inProtobuf(await client.ask('GET', `${BACKUPS}/scaled/scale`))
    assert.equal(inProtobuf(await client.ask('PUT', `${BACKUPS}/scaled/scale`, { ...scale, spec: { replicas: 5 } })).spec.replicas, 5)
    const accept = `${PROTOBUF};${METADATA_LIST},application/json`
    const list = inProtobuf(await client.ask('GET', BACKUPS, undefined, { accept }))
    assert.ok(list.items.map(nameOf).includes('scaled'))
    const options = { apiVersion: 'v1', kind: 'DeleteOptions' }
    const gone = inProtobuf(await client.ask('DELETE', BACKUPS, options, { accept }))
    assert.ok(gone.items.map(nameOf).includes('scaled'))
  })
})

const preferences: [accept: string, type: string | 406][] = [
  [PROTOBUF, PROTOBUF],
  [PROTOBUF_FIRST, PROTOBUF],
  [`${PROTOBUF}, */*`, PROTOBUF],
  [`*/*, ${PROTOBUF}`, PROTOBUF],
  [`application/json, ${PROTOBUF}`, 'application/json'],
  [`application/json;q=0.5, ${PROTOBUF};q=0.9`, PROTOBUF],
  [`${PROTOBUF};q=0`, 406],
  [`${PROTOBUF};as=Table;g=meta.k8s.io;v=v1`, 406],
  [`${PROTOBUF};as=Table;g=meta.k8s.io;v=v1, application/json`, 'application/json'],
  ['application/*', 'application/json'],
]
for (const [accept, type] of preferences) {
  test(`${accept} is answered in ${type}`, async () => {
    const said = await client.ask('GET', MAPS, undefined, { accept })
    assert.deepEqual(type === 406 ? said.status : said.type, type)
  })
}

test('discovery has protobuf, the version and the aggregated documents do not', async () => {
  const resources = inProtobuf(await client.ask('GET', '/api/v1'))
  assert.deepEqual(resources, { ...(await json('/api/v1')), apiVersion: 'v1' })
  assert.deepEqual(inProtobuf(await client.ask('GET', '/apis')), await json('/apis'))
  for (const path of ['/version', '/openapi/v3']) assert.equal((await client.ask('GET', path)).type, 'application/json', path)
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
  assert.match((await client.ask('GET', '/apis', undefined, { accept })).bytes.toString(), /"kind":"APIGroupDiscoveryList"/)
})

test('a body that does not say what it is, is what its path is about', async () => {
  const bytes = Buffer.from('6b387300120a0a080a066e616d656c73', 'hex')
  assert.equal(nameOf(inProtobuf(await client.ask('POST', MAPS, bytes), 201)), 'namels')
})

const hostile: [what: string, bytes: Buffer, message: RegExp][] = [
  ['nothing', Buffer.alloc(0), /magic number/],
  ['JSON under a wrong name', Buffer.from('{"kind":"ConfigMap"}'), /magic number/],
  ['another kind', Buffer.from('6b3873000a090a0276311203506f64', 'hex'), /does not match|ConfigMap/],
  ['a length far beyond the end', Buffer.from('6b387300120affffffff0f', 'hex'), /unexpected end/],
  ['a number without end', Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(12, 0xff)]), /too long/],
]
for (const [what, bytes, message] of hostile) {
  test(`${what} is refused`, async () => assert.match(refused(await client.ask('POST', MAPS, bytes), 400, 'BadRequest'), message))
}

test('messages deeper than anybody reads them are refused', async () => {
  const definition = backupDefinition('deep.example.com') as Loose
  let schema: object = { type: 'string' }
  for (let level = 0; level < 1_000; level++) schema = { not: schema }
  definition.spec.versions[0].schema.openAPIV3Schema = schema
  const said = await client.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
  assert.match(refused(said, 400, 'BadRequest'), /exceeded max depth/)
})
