import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { systemGroup } from '../../apiserver/authn/system-names.ts'
import type { User } from '../../apiserver/authn/user.ts'
import { createMemoryStorage } from '../../apiserver/storage/memory-storage.ts'
import type { Storage } from '../../apiserver/storage/storage.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { type ManualClock, manualClock } from '../../simulation/time/manual-clock.ts'
import { admin, startApi, type TestApi } from '../harness/api.ts'
import { configMap } from '../harness/bodies.ts'
import { soon } from '../harness/soon.ts'

const GROUP = '/apis/flowcontrol.apiserver.k8s.io/v1'
const MAPS = '/api/v1/namespaces/default/configmaps'
const somebody: User = { name: 'somebody', groups: ['writers', systemGroup.authenticated] }
const SCHEMA_UID = 'x-kubernetes-pf-flowschema-uid'
const LEVEL_UID = 'x-kubernetes-pf-prioritylevel-uid'

const level = (name: string, limited: object) => ({
  ...{ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'PriorityLevelConfiguration', metadata: { name } },
  spec: { type: 'Limited', limited },
})
const schema = (name: string, levelName: string, userName: string) => ({
  ...{ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name } },
  spec: {
    ...{ priorityLevelConfiguration: { name: levelName }, matchingPrecedence: 50, distinguisherMethod: { type: 'ByUser' } },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: userName } }],
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      },
    ],
  },
})

/** Lets the group `writers` write ConfigMaps. */
async function allowWriters(api: TestApi): Promise<void> {
  const RBAC = '/apis/rbac.authorization.k8s.io/v1'
  const binding = {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'writers' } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'writers' }],
  }
  assert.equal((await api.request('POST', `${RBAC}/clusterrolebindings`, binding)).status, 201)
}

const uidOf = async (api: TestApi, path: string) => ((await api.request('GET', path)).json['metadata'] as { uid: string }).uid
const conditionOf = async (api: TestApi, name: string) => {
  const { json } = await api.request('GET', `${GROUP}/flowschemas/${name}`)
  return (json['status'] as { conditions?: { type: string; status: string; reason: string }[] }).conditions?.[0]
}

test('every answer says which schema and level it belonged to, and a new schema is obeyed', async (t) => {
  const api = await startApi({}, t)
  const asked = await api.request('GET', '/version', undefined, {}, somebody)
  assert.equal(asked.header(SCHEMA_UID), await uidOf(api, `${GROUP}/flowschemas/global-default`))
  assert.equal(asked.header(LEVEL_UID), await uidOf(api, `${GROUP}/prioritylevelconfigurations/global-default`))
  const refused = await api.request('GET', MAPS, undefined, {}, somebody)
  assert.equal(refused.status, 403)
  assert.equal(refused.header(SCHEMA_UID), asked.header(SCHEMA_UID))
  const byAdmin = await api.request('GET', MAPS)
  assert.equal(byAdmin.header(LEVEL_UID), await uidOf(api, `${GROUP}/prioritylevelconfigurations/exempt`))

  const wanted = level('mine', { nominalConcurrencyShares: 5, limitResponse: { type: 'Queue', queuing: {} } })
  const made = await api.request('POST', `${GROUP}/prioritylevelconfigurations`, wanted)
  assert.equal(made.status, 201)
  const { limited } = made.json['spec'] as { limited: object }
  assert.deepEqual(limited, {
    ...{ nominalConcurrencyShares: 5, limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } } },
    lendablePercent: 0,
  })
  await api.request('POST', `${GROUP}/flowschemas`, schema('mine', 'mine', 'somebody'))
  const uid = await uidOf(api, `${GROUP}/flowschemas/mine`)
  await soon(async () => {
    const again = await api.request('GET', '/version', undefined, {}, somebody)
    assert.equal(again.header(SCHEMA_UID), uid)
    assert.equal(again.header(LEVEL_UID), (made.json['metadata'] as { uid: string }).uid)
  })
})

test('a schema says whether its level exists, and is passed over while it does not', async (t) => {
  const api = await startApi({}, t)
  assert.equal((await conditionOf(api, 'system-nodes'))?.status, 'False')
  const made = await api.request('POST', `${GROUP}/flowschemas`, schema('mine', 'absent', 'somebody'))
  assert.equal(made.status, 201, made.text)
  assert.deepEqual((({ type, status, reason }) => ({ type, status, reason }))((await conditionOf(api, 'mine'))!), {
    type: 'Dangling',
    status: 'True',
    reason: 'NotFound',
  })
  const uid = await uidOf(api, `${GROUP}/flowschemas/global-default`)
  assert.equal((await api.request('GET', '/version', undefined, {}, somebody)).header(SCHEMA_UID), uid)
  const absent = level('absent', { limitResponse: { type: 'Reject' } })
  assert.equal((await api.request('POST', `${GROUP}/prioritylevelconfigurations`, absent)).status, 201)
  await soon(async () => assert.equal((await conditionOf(api, 'mine'))?.status, 'False'))
  await api.request('DELETE', `${GROUP}/prioritylevelconfigurations/absent`)
  await soon(async () => assert.equal((await conditionOf(api, 'mine'))?.status, 'True'))
})

test('mandatory objects cannot be changed, and come back when they are deleted', async (t) => {
  const api = await startApi({}, t)
  const patch = (path: string, change: object) => api.request('PATCH', path, change, { 'content-type': 'application/merge-patch+json' })
  const changed = await patch(`${GROUP}/prioritylevelconfigurations/catch-all`, { spec: { limited: { nominalConcurrencyShares: 7 } } })
  assert.equal(changed.status, 422)
  assert.match(String(changed.json['message']), /spec of 'catch-all' must equal the fixed value/)
  const lent = await patch(`${GROUP}/prioritylevelconfigurations/exempt`, { spec: { exempt: { nominalConcurrencyShares: 10 } } })
  assert.equal(lent.status, 200, lent.text)
  const before = await uidOf(api, `${GROUP}/flowschemas/catch-all`)
  await api.request('DELETE', `${GROUP}/flowschemas/catch-all`)
  await soon(async () => {
    const again = await api.request('GET', `${GROUP}/flowschemas/catch-all`)
    assert.equal(again.status, 200)
    assert.notEqual((again.json['metadata'] as { uid: string }).uid, before)
  })
})

test('bad schemas and levels are refused by field', async (t) => {
  const api = await startApi({}, t)
  const causes = async (path: string, body: object) => {
    const { status, json } = await api.request('POST', `${GROUP}/${path}`, body)
    assert.equal(status, 422, JSON.stringify(json))
    return (json['details'] as { causes: { field: string }[] }).causes.map(({ field }) => field)
  }
  const bad = schema('bad', '', 'x')
  Object.assign(bad.spec, { matchingPrecedence: 10_001, distinguisherMethod: { type: 'ByMoon' } })
  bad.spec.rules[0]!.subjects.push({ kind: 'Planet' } as never, { kind: 'Group', user: { name: 'x' } } as never)
  Object.assign(bad.spec.rules[0]!.resourceRules[0]!, { verbs: ['*', 'get'], namespaces: ['No'] })
  Object.assign(bad.spec.rules[0]!.nonResourceRules[0]!, { verbs: ['fly'], nonResourceURLs: ['a', '/b*c'] })
  assert.deepEqual(await causes('flowschemas', bad), [
    ...['spec.matchingPrecedence', 'spec.distinguisherMethod.type', 'spec.priorityLevelConfiguration.name'],
    ...['spec.rules[0].subjects[1].kind', 'spec.rules[0].subjects[2].user', 'spec.rules[0].subjects[2].group'],
    ...['spec.rules[0].resourceRules[0].verbs', 'spec.rules[0].resourceRules[0].namespaces[0]'],
    ...['spec.rules[0].nonResourceRules[0].verbs', 'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]'],
    'spec.rules[0].nonResourceRules[0].nonResourceURLs[1]',
  ])
  const limitResponse = { type: 'Queue', queuing: { queues: 10_000, handSize: 8, queueLengthLimit: -1 } }
  const limited = { nominalConcurrencyShares: -1, lendablePercent: 101, borrowingLimitPercent: -1, limitResponse }
  assert.deepEqual(await causes('prioritylevelconfigurations', level('bad', limited)), [
    ...['spec.limited.nominalConcurrencyShares', 'spec.limited.lendablePercent', 'spec.limited.borrowingLimitPercent'],
    ...['spec.limited.limitResponse.queuing.queueLengthLimit', 'spec.limited.limitResponse.queuing.handSize'],
  ])
  const exempt = { ...level('mine', {}), spec: { type: 'Exempt' } }
  assert.deepEqual(await causes('prioritylevelconfigurations', exempt), ['spec.type'])
})

/** A store whose writes can be made to wait. */
function slowStorage() {
  const mood = { before: async () => {} }
  const openStorage = (options: Parameters<typeof createMemoryStorage>[0]) => {
    const inner = createMemoryStorage(options)
    const write: Storage['write'] = async (wish) => {
      await mood.before()
      return inner.write(wish)
    }
    return new Proxy(inner, {
      get: (target, name) => {
        if (name === 'write') return write
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
  return { mood, openStorage: openStorage as never }
}

test('a level that is full sends its users away, or lets them wait; nodes, probes and administrators go on', async (t) => {
  const { mood, openStorage } = slowStorage()
  const api = await startApi({ clock: manualClock(), parts: { openStorage } }, t)
  await allowWriters(api)
  const tiny = { nominalConcurrencyShares: 1, borrowingLimitPercent: 0 }
  await api.request('POST', `${GROUP}/prioritylevelconfigurations`, level('tiny', { ...tiny, limitResponse: { type: 'Reject' } }))
  await api.request('POST', `${GROUP}/flowschemas`, schema('tiny', 'tiny', 'somebody'))
  const uid = await uidOf(api, `${GROUP}/flowschemas/tiny`)
  await soon(async () => assert.equal((await api.request('GET', '/version', undefined, {}, somebody)).header(SCHEMA_UID), uid))
  const { text } = await api.request('GET', '/metrics')
  const seats = Number(/nominal_limit_seats\{priority_level="tiny"\} (\d+)/.exec(text)?.[1])
  assert.ok(seats > 0 && seats < 10, `${seats}`)

  const gate = Promise.withResolvers<void>()
  mood.before = () => gate.promise
  const writes = Array.from({ length: seats + 2 }, (_, n) => api.request('POST', MAPS, configMap(`m${n}`), {}, somebody))
  const refused = await Promise.any(writes)
  assert.equal(refused.status, 429)
  assert.equal(refused.json['reason'], 'TooManyRequests')
  assert.equal(refused.header('retry-after'), '1')
  assert.equal(refused.header(SCHEMA_UID), uid)
  assert.equal(
    (await api.request('GET', '/readyz', undefined, {}, { name: 'system:anonymous', groups: ['system:unauthenticated'] })).text,
    'ok',
  )
  assert.equal((await api.request('GET', MAPS)).status, 200)
  const other: User = { name: 'other', groups: ['writers', systemGroup.authenticated] }
  assert.equal((await api.request('GET', MAPS, undefined, {}, other)).status, 200)
  mood.before = async () => {}
  gate.resolve()
  const answers = await Promise.all(writes)
  assert.equal(answers.filter(({ status }) => status === 201).length, seats)
  assert.equal(answers.filter(({ status }) => status === 429).length, 2)
  assert.match((await api.request('GET', '/metrics')).text, /rejected_requests_total\{[^}]*flow_schema="tiny"[^}]*\} 2/)
})

/** A server on a port, with the tokens `slow` and `node`, on a clock of the test's. */
async function onPort(context: TestContext, args: readonly string[] = []) {
  const directory = mkdtempSync(join(tmpdir(), 'flow-control-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  const tokens = join(directory, 'tokens.csv')
  writeFileSync(tokens, 'slow,somebody,1,"writers"\nquick,other,2,"writers"\nnode,system:node:a,3,"system:nodes"\n')
  const clock: ManualClock = manualClock()
  const sockets: TLSSocket[] = []
  // Before the server stops: it would wait for them, on a clock that nobody moves.
  context.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  const api = await startApi({ clock, listen: true, args: ['--token-file', tokens, ...args] }, context)
  await allowWriters(api)
  const port = Number(new URL(api.server.url).port)
  /** Sends bytes, and answers what comes back, as it grows. */
  const say = async (bytes: string) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    sockets.push(socket)
    socket.on('error', () => {})
    const said = { text: '', isClosed: false, socket }
    socket.on('data', (chunk: Buffer) => (said.text += chunk.toString('latin1')))
    socket.on('close', () => (said.isClosed = true))
    await once(socket, 'secureConnect')
    socket.write(bytes)
    return said
  }
  const head = (token: string, length: number) =>
    `POST ${MAPS} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
  /** Bytes of bodies that the server holds. */
  const held = async () => Number(/apiserver_body_bytes (\d+)/.exec((await api.request('GET', '/metrics')).text)?.[1])
  return { api, clock, say, head, held }
}

test('clients that send a byte and wait hold nobody up, and are sent away', async (t) => {
  const { clock, say, head } = await onPort(t, ['--max-writes-in-flight', '10', '--max-reads-in-flight', '10'])
  const slow = await Promise.all(Array.from({ length: 60 }, () => say(`${head('slow', 1_000)}{`)))
  const body = JSON.stringify(configMap('quick'))
  const quick = await say(`${head('quick', body.length)}${body}`)
  await soon(() => assert.match(quick.text, /^HTTP\/1\.1 201 /))
  const same = JSON.stringify(configMap('same-user'))
  const own = await say(`${head('slow', same.length)}${same}`)
  await soon(() => assert.match(own.text, /^HTTP\/1\.1 201 /))
  await clock.advance((inputLimits.bodyGraceSeconds + 2) * 1_000)
  await soon(() => assert.ok(slow.every(({ isClosed }) => isClosed)))
  for (const { text } of slow) {
    assert.match(text, /^HTTP\/1\.1 408 /)
    assert.match(text, /"kind":"Status".*came too slowly/)
  }
})

test('a body that keeps its pace may take its time, up to a minute', async (t) => {
  const { clock, say, head, held } = await onPort(t)
  const body = JSON.stringify(configMap('large', { data: { text: 'x'.repeat(200_000) } }))
  const sent = await say(head('slow', body.length))
  const step = 20_000
  for (let at = 0; at < body.length - step; at += step) {
    sent.socket.write(body.slice(at, at + step))
    await soon(async () => assert.equal(await held(), at + step))
    await clock.advance(4_000)
  }
  sent.socket.write(body.slice(Math.floor((body.length - 1) / step) * step))
  await soon(() => assert.match(sent.text, /^HTTP\/1\.1 201 /))
  const endless = await say(`${head('slow', 3_000_000)}${'x'.repeat(2_000_000)}`)
  await soon(async () => assert.ok((await held()) >= 2_000_000))
  await clock.advance((inputLimits.bodySeconds + 2) * 1_000)
  await soon(() => assert.match(endless.text, /^HTTP\/1\.1 408 /))
})

test('bodies that wait have a budget: the user who fills it loses the oldest, others do not notice', async (t) => {
  const { say, head, held } = await onPort(t, ['--max-body-bytes', '1000000'])
  const part = 'x'.repeat(400_000)
  const first = await say(`${head('slow', 500_000)}${part}`)
  await soon(async () => assert.ok((await held()) >= 400_000))
  const second = await say(`${head('slow', 500_000)}${part}`)
  await soon(async () => assert.ok((await held()) >= 800_000))
  const map = JSON.stringify(configMap('fits', { data: { text: 'x'.repeat(300_000) } }))
  const quick = await say(`${head('quick', map.length)}${map}`)
  await soon(() => assert.match(quick.text, /^HTTP\/1\.1 201 /))
  await soon(() => assert.match(first.text, /^HTTP\/1\.1 429 /))
  assert.match(first.text, /retry-after: 1/i)
  assert.equal(second.text, '')
  await soon(async () => assert.ok((await held()) < 500_000))
})

test('one address cannot take every connection', async (t) => {
  const { api, say } = await onPort(t, ['--max-connections-per-address', '5'])
  const held = await Promise.all(Array.from({ length: 5 }, () => say('')))
  await assert.rejects(say(''))
  assert.match((await api.request('GET', '/metrics')).text, /apiserver_connections_refused_total 1/)
  held[0]!.socket.destroy()
  await soon(async () => void (await say('')))
  assert.equal((await api.request('GET', MAPS, undefined, {}, admin)).status, 200)
})
