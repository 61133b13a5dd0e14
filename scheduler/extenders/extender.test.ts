import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fixedConnection } from '../../shared/client/connection.ts'
import { createHttpsTransport } from '../../shared/client/https-transport.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { realClock } from '../../shared/time/clock.ts'
import { made } from '../../test/harness/admission-trial.ts'
import { serverPapers } from '../../test/harness/hook-server.ts'
import { NodeInfo } from '../node-info.ts'
import { podInfo } from '../pod-info.ts'
import { Extender } from './extender.ts'
import { readExtenders, type WrittenExtender } from './extender-config.ts'

const signal = new AbortController().signal
const node = (name: string): Node => made('v1', 'Node', { metadata: { name } })
const pod = (requests: Record<string, string> = {}): Pod =>
  made('v1', 'Pod', {
    metadata: { name: 'p', namespace: 'x', uid: 'u' },
    spec: { containers: [{ name: 'main', resources: { requests } }] },
  })

interface Question {
  readonly path: string | undefined
  readonly body: Record<string, unknown>
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const part of request) text += String(part)
  return JSON.parse(text)
}

/** A real server that answers so, and an extender that asks it. */
async function asking(
  context: TestContext,
  answer: unknown,
  written: Partial<WrittenExtender> = {},
  papers?: { cert: string; key: string },
) {
  const questions: Question[] = []
  const listener = async (request: IncomingMessage, reply: ServerResponse) => {
    questions.push({ path: request.url, body: await bodyOf(request) })
    if (answer === 'silence') return
    if (typeof answer === 'number') reply.writeHead(answer)
    reply.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  }
  const server = papers ? createSecureServer(papers, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const urlPrefix = `${papers ? 'https' : 'http'}://127.0.0.1:${port}/scheduler/`
  const [settings] = await readExtenders([{ urlPrefix, filterVerb: 'filter', weight: 2, ...written }], 'file')
  assert.ok(settings)
  const clock = realClock()
  const transport = createHttpsTransport(fixedConnection(settings.connection), { clock })
  context.after(() => {
    transport.close()
    server.close()
    server.closeAllConnections()
  })
  return { questions, extender: new Extender(settings, { transport, clock }) }
}

test('who knows the nodes is asked by their names, and answers in names; others see them whole', async (context) => {
  const byName = await asking(
    context,
    { NodeNames: ['a'], FailedNodes: { b: 'no GPU' }, FailedAndUnresolvableNodes: { c: 'never' } },
    { nodeCacheCapable: true },
  )
  const { fitting, failed } = await byName.extender.filter(pod(), [node('a'), node('b'), node('c')], signal)
  assert.deepEqual(
    [[...fitting], failed.get('b'), failed.get('c')],
    [['a'], { reason: 'no GPU', isFinal: false }, { reason: 'never', isFinal: true }],
  )
  const [question] = byName.questions
  assert.deepEqual([question?.path, question?.body['Nodes'], question?.body['NodeNames']], ['/scheduler/filter', null, ['a', 'b', 'c']])
  assert.deepEqual(question?.body['Pod'], pod())
  // In lower case, as writers without Go's types have it.
  const whole = await asking(context, { nodes: { items: [node('b')] }, failedNodes: {}, error: '' })
  assert.deepEqual([...(await whole.extender.filter(pod(), [node('a'), node('b')], signal)).fitting], ['b'])
  assert.deepEqual(whole.questions[0]?.body['Nodes'], { metadata: {}, items: [node('a'), node('b')] })
})

test('points are weighed, ten of an extender as a hundred of a rule', async (context) => {
  const { extender } = await asking(
    context,
    [
      { Host: 'a', Score: 3 },
      { host: 'b', score: 10 },
    ],
    { prioritizeVerb: 'rank' },
  )
  assert.deepEqual(
    [...(await extender.prioritize(pod(), [node('a'), node('b')], signal))],
    [
      ['a', 60],
      ['b', 200],
    ],
  )
})

test('a binder is told which pod goes where, and may refuse', async (context) => {
  const good = await asking(context, {}, { bindVerb: 'bind' })
  await good.extender.bind(podInfo(pod()), 'a', signal)
  assert.deepEqual(good.questions[0]?.body, { PodName: 'p', PodNamespace: 'x', PodUID: 'u', Node: 'a' })
  const bad = await asking(context, { Error: 'the licence is used up' }, { bindVerb: 'bind' })
  await assert.rejects(bad.extender.bind(podInfo(pod()), 'a', signal), /the licence is used up/)
})

test('of the candidates for preemption those are left that it names, with the victims that it names', async (context) => {
  const info = new NodeInfo('a', node('a'), 0)
  const victims = ['v', 'w'].map((uid) => podInfo({ ...pod(), metadata: { name: uid, namespace: 'x', uid } }))
  for (const victim of victims) info.add(victim)
  const candidates = [{ node: info, victims, violations: 0 }]
  const answer = { NodeNameToMetaVictims: { a: { Pods: [{ UID: 'w' }], NumPDBViolations: 1 } } }
  const { extender, questions } = await asking(context, answer, { preemptVerb: 'preempt', nodeCacheCapable: true })
  const [left] = await extender.preempt(pod(), candidates, signal)
  assert.deepEqual([left?.node.name, left?.victims.map(({ uid }) => uid), left?.violations], ['a', ['w'], 1])
  assert.deepEqual(questions[0]?.body['NodeNameToMetaVictims'], { a: { Pods: [{ UID: 'v' }, { UID: 'w' }], NumPDBViolations: 0 } })
  const stranger = await asking(context, { NodeNameToMetaVictims: { a: { Pods: [{ UID: 'z' }] } } }, { preemptVerb: 'preempt' })
  await assert.rejects(stranger.extender.preempt(pod(), candidates, signal), /claims to preempt pod \(UID: z\) on node a/)
})

const bad: [string, unknown, RegExp][] = [
  ['an error of its own', { error: 'database is down' }, /: database is down$/],
  ['a status', 500, /failed filter, code 500/],
  ['no JSON', '<html>', /extender http:.*: Unexpected token/],
  ['no object', [], /the answer is no object/],
  ['nodes that nobody named', { nodes: { items: [node('z')] } }, /claims a filtered node "z" which is not found in the input node list/],
  ['reasons that are no text', { failedNodes: { a: 7 } }, /FailedNodes\["a"\] is no text/],
  ['silence', 'silence', /it did not answer in time/],
]
for (const [what, answer, message] of bad) {
  test(`a bad answer says whose it is and what is wrong: ${what}`, async (context) => {
    const { extender } = await asking(context, answer, { httpTimeout: answer === 'silence' ? '100ms' : '30s' })
    await assert.rejects(extender.filter(pod(), [node('a')], signal), message)
  })
}

test('over TLS the named authority is trusted, and no other', async (context) => {
  const [mine, other] = await Promise.all([serverPapers({ ip: ['127.0.0.1'] }), serverPapers({ ip: ['127.0.0.1'] })])
  const caData = Buffer.from(mine.authority).toString('base64')
  const trusted = await asking(context, { nodes: { items: [node('a')] } }, { tlsConfig: { caData } }, mine)
  assert.equal((await trusted.extender.filter(pod(), [node('a')], signal)).fitting.size, 1)
  const stranger = await asking(context, { nodes: { items: [node('a')] } }, { tlsConfig: { caData } }, other)
  await assert.rejects(stranger.extender.filter(pod(), [node('a')], signal), /extender https:/)
})

test('with managed resources only pods are its business that ask for one', async (context) => {
  const { extender } = await asking(context, {}, { managedResources: [{ name: 'example.com/chip' }] })
  assert.deepEqual([extender.isInterested(pod()), extender.isInterested(pod({ 'example.com/chip': '1' }))], [false, true])
})

const wrong: [string, WrittenExtender[], RegExp][] = [
  ['no URL', [{ urlPrefix: 'x' }], /file: extenders\[0\]\.urlPrefix: "x" is not a URL/],
  ['points without a weight', [{ urlPrefix: 'http://x', prioritizeVerb: 'p' }], /extenders\[0\]\.weight: is required/],
  [
    'two that bind',
    [
      { urlPrefix: 'http://x', bindVerb: 'b' },
      { urlPrefix: 'http://y', bindVerb: 'b' },
    ],
    /found 2 extenders implementing bind/,
  ],
  ['no time', [{ urlPrefix: 'http://x', httpTimeout: 'soon' }], /extenders\[0\]\.httpTimeout: "soon" is not a duration/],
  ['half a certificate', [{ urlPrefix: 'https://x', tlsConfig: { certData: 'YQ==' } }], /a certificate and its key belong together/],
  ['a file that is not there', [{ urlPrefix: 'https://x', tlsConfig: { caFile: '/nowhere' } }], /\/nowhere cannot be read/],
]
for (const [what, written, message] of wrong) {
  test(`a configuration that cannot be is refused: ${what}`, () => assert.rejects(readExtenders(written, 'file'), message))
}
