import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { isTrue } from '../../shared/objects/conditions.ts'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { type AuditScene, auditScene } from '../harness/audited-api.ts'
import { backupDefinition, backupVersion } from '../harness/custom-definitions.ts'
import { eventually } from '../harness/eventually.ts'

/** The conformance suite's custom resources have it (`num1` of its Noxu): the greatest int64, which a double would round. */
const MOST = '9223372036854775807'
const BACKUPS = '/apis/long.example.com/v1/namespaces/default/backups'

let api: TestApi
let scene: AuditScene
const undo: (() => unknown)[] = []
before(async () => {
  const backups = [{ group: 'long.example.com', resources: ['backups'] }]
  scene = auditScene(
    { after: (end) => undo.push(end) },
    {
      omitStages: ['RequestReceived'],
      rules: [{ level: 'RequestResponse', resources: backups, omitManagedFields: true }, { level: 'None' }],
    },
  )
  api = await startApi(scene.options)
  const additionalPrinterColumns = [{ name: 'Most', type: 'integer', jsonPath: '.spec.free.most' }]
  await api.request(
    'POST',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    backupDefinition('long.example.com', { versions: [backupVersion('v1', { additionalPrinterColumns })] }),
  )
  await eventually(api.client(), ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'], ([made]) =>
    isTrue(made?.status.conditions ?? [], 'Established'),
  )
})
after(async () => {
  await api.stop()
  for (const end of undo) end()
})

const backup = (name: string, spec: string) =>
  `{"apiVersion":"long.example.com/v1","kind":"Backup","metadata":{"name":"${name}"},"spec":{"timetable":"* * * * */5",${spec}}}`

function holds(answer: Answer, ...parts: string[]): void {
  assert.ok(answer.status === 200 || answer.status === 201, answer.text)
  for (const part of parts) assert.ok(answer.text.includes(part), `${part} in ${answer.text}`)
}

test('a custom resource keeps whole numbers of 64 bits, whatever is changed beside them', async () => {
  const free = `"free":{"most":${MOST},"others":[-9007199254740993,1]}`
  holds(await api.request('POST', BACKUPS, backup('a', free)), free)
  const merge = { 'content-type': 'application/merge-patch+json' }
  holds(await api.request('PATCH', `${BACKUPS}/a`, { metadata: { labels: { x: 'y' } } }, merge), free, '"x":"y"')
  const json = { 'content-type': 'application/json-patch+json' }
  const operations = `[{"op":"test","path":"/spec/free/most","value":${MOST}},{"op":"copy","from":"/spec/free/most","path":"/spec/free/copy"}]`
  holds(await api.request('PATCH', `${BACKUPS}/a`, operations, json), `"copy":${MOST}`)
  holds(await api.request('GET', BACKUPS), `"copy":${MOST}`, '[-9007199254740993,1]')
  holds(await api.request('GET', `${BACKUPS}/a?pretty=true`), `"copy": ${MOST}`)
  const table = { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' }
  holds(await api.request('GET', BACKUPS, undefined, table), `"cells":["a",${MOST}`)
})

test('one that is applied keeps them, too, and one that is put', async () => {
  const apply = { 'content-type': 'application/apply-patch+yaml' }
  const path = `${BACKUPS}/b?fieldManager=me`
  holds(await api.request('PATCH', path, backup('b', `"free":{"most":${MOST}}`), apply), `"most":${MOST}`)
  holds(await api.request('PATCH', path, backup('b', `"free":{"most":${MOST},"more":9007199254740993}`), apply), '"more":9007199254740993')
  const { text } = await api.request('GET', `${BACKUPS}/b`)
  holds(await api.request('PUT', `${BACKUPS}/b`, text.replace(MOST, '9223372036854775806')), '"most":9223372036854775806')
  // The two are one as doubles.
  const changes = await api.request('GET', `/rewind/${JSON.parse(text).metadata.resourceVersion}/changes?resource=backups.long.example.com`)
  holds(changes, `{"path":"spec.free.most","before":${MOST},"after":9223372036854775806}`)
})

test('the schema is asked of them, more than 64 bits are refused, and built-in kinds have no such numbers', async () => {
  const tooMany = await api.request('POST', BACKUPS, backup('c', `"replicas":${MOST}`))
  assert.equal(tooMany.status, 422, tooMany.text)
  assert.match(String(tooMany.json['message']), /spec\.replicas: Invalid value: 9223372036854775807: .*less than or equal to 10/)
  const text = await api.request('POST', BACKUPS, backup('c', `"note":${MOST}`))
  assert.match(String(text.json['message']), /spec\.note in body must be of type string: "integer"/)
  assert.equal((await api.request('POST', BACKUPS, backup('c', '"free":{"most":9223372036854775808}'))).status, 400)
  const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"activeDeadlineSeconds":${MOST},"containers":[]}}`
  const refusal = await api.request('POST', '/api/v1/namespaces/default/pods', pod)
  assert.match(String(refusal.json['message']), /the number 9223372036854775807 has more digits than can be kept exactly/)
})

test('what is said of one that is refused is said of a number, and the audit log has its digits', async () => {
  const json = { 'content-type': 'application/json-patch+json' }
  const patch = await api.request('PATCH', `${BACKUPS}/a`, `[{"op":${MOST},"path":"/spec"}]`, json)
  assert.deepEqual([patch.status, patch.json['message']], [400, `error decoding patch: unexpected kind: ${MOST}`])
  assert.match(String((await api.request('POST', BACKUPS, MOST)).json['message']), /cannot unmarshal number into an object/)
  const apply = { 'content-type': 'application/apply-patch+yaml' }
  const applied = await api.request('PATCH', `${BACKUPS}/d?fieldManager=me`, backup('d', `"note":${MOST}`), apply)
  assert.match(String(applied.json['message']), /\.spec\.note: expected string, got number/)
  holds(await api.request('GET', `${BACKUPS}/a`, undefined, { 'audit-id': 'looked' }), MOST)
  await scene.of('looked', 1)
  const line = readFileSync(scene.path, 'utf8')
    .split('\n')
    .find((each) => each.includes('"looked"'))
  assert.ok(line?.includes(`"most":${MOST},"others":[-9007199254740993,1]`), line)
})
