import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scriptedTransport } from '../../test/harness/scripted-transport.ts'
import { hasReason } from '../errors/status-error.ts'
import { type Clock, realClock } from '../time/clock.ts'
import { createHttpClient } from './http-client.ts'

const failure = (code: number, reason: string, message = reason) => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message },
})

/** A clock whose sleeps are remembered and over at once. */
function hastyClock(): Clock & { slept: number[] } {
  const slept: number[] = []
  return {
    ...realClock(),
    slept,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted()
      slept.push(milliseconds)
    },
  }
}

function clientOf(answer: Parameters<typeof scriptedTransport>[0]) {
  const transport = scriptedTransport(answer)
  const clock = hastyClock()
  return { client: createHttpClient(transport, { clock, userAgent: 'test' }), transport, clock }
}

test('each call is the request Kubernetes expects', async () => {
  const { client, transport } = clientOf(() => ({ body: { items: [{ metadata: { name: 'a' } }], metadata: { resourceVersion: '5' } } }))
  const lists = await client.list('v1', 'Pod', { namespace: 'x', labelSelector: 'a=b,c', fieldSelector: 'spec.nodeName=n', limit: 5 })
  assert.deepEqual(lists.items, [{ metadata: { name: 'a' }, apiVersion: 'v1', kind: 'Pod' }], 'items say what they are')
  await client.get('apps/v1', 'Deployment', { namespace: 'x', name: 'web' })
  await client.create('v1', 'ConfigMap', { metadata: { name: 'c', namespace: 'x' }, data: { a: 'b' } }, { dryRun: true })
  await client.delete('v1', 'Node', { name: 'n 1' }, { gracePeriodSeconds: 0, preconditions: { uid: 'u' } })
  await client.patch('v1', 'Pod', { namespace: 'x', name: 'p' }, { type: 'strategic', body: { a: 1 }, subresource: 'status' })
  await client.createSubresource('v1', 'Pod', { namespace: 'x', name: 'p' }, 'binding', { target: {} })
  await client.list('v1', 'Namespace')
  assert.deepEqual(
    transport.requests.map(({ method, path, body, headers }) => [method, path, headers['content-type'], body]),
    [
      ['GET', '/api/v1/namespaces/x/pods?labelSelector=a%3Db%2Cc&fieldSelector=spec.nodeName%3Dn&limit=5', undefined, undefined],
      ['GET', '/apis/apps/v1/namespaces/x/deployments/web', undefined, undefined],
      [
        'POST',
        '/api/v1/namespaces/x/configmaps?dryRun=All',
        'application/json',
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"x"},"data":{"a":"b"}}',
      ],
      [
        'DELETE',
        '/api/v1/nodes/n%201',
        'application/json',
        '{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"preconditions":{"uid":"u"}}',
      ],
      ['PATCH', '/api/v1/namespaces/x/pods/p/status', 'application/strategic-merge-patch+json', '{"a":1}'],
      ['POST', '/api/v1/namespaces/x/pods/p/binding', 'application/json', '{"target":{}}'],
      ['GET', '/api/v1/namespaces', undefined, undefined],
    ],
  )
  assert.throws(() => client.get('v1', 'Pod', { name: 'p' }), /a Pod needs a namespace/)
})

test('a Status becomes a StatusError, anything else an error of its code', async () => {
  const { client } = clientOf(({ path }) => (path.endsWith('/a') ? failure(404, 'NotFound') : { status: 502, body: '<html>' }))
  await assert.rejects(client.get('v1', 'Node', { name: 'a' }), (error) => hasReason(error, 'NotFound'))
  await assert.rejects(client.get('v1', 'Node', { name: 'b' }), /answered 502: <html>/)
})

test('Retry-After is obeyed, not for ever, and not where it was not asked', async () => {
  let refusals = 2
  const patient = clientOf(() => (refusals-- > 0 ? { ...failure(429, 'TooManyRequests'), headers: { 'retry-after': '3' } } : { body: {} }))
  await patient.client.get('v1', 'Node', { name: 'a' })
  assert.deepEqual(patient.clock.slept, [3000, 3000])
  const never = clientOf(() => ({ ...failure(429, 'TooManyRequests'), headers: { 'retry-after': '1' } }))
  await assert.rejects(never.client.get('v1', 'Node', { name: 'a' }), (error) => hasReason(error, 'TooManyRequests'))
  assert.equal(never.transport.requests.length, 11)
  const plain = clientOf(() => failure(429, 'TooManyRequests'))
  await assert.rejects(plain.client.get('v1', 'Node', { name: 'a' }))
  assert.equal(plain.transport.requests.length, 1)
})

test('a watch asks for what it needs and yields typed events', async () => {
  const frame = { type: 'ADDED', object: { kind: 'Pod', metadata: { name: 'p' } } }
  const { client, transport } = clientOf(() => ({ body: `${JSON.stringify(frame)}\n` }))
  const events = await Array.fromAsync(client.watch('v1', 'Pod', { resourceVersion: '7', allowBookmarks: true, timeoutSeconds: 300 }))
  assert.deepEqual(events, [frame])
  assert.equal(transport.requests[0]?.path, '/api/v1/pods?resourceVersion=7&allowWatchBookmarks=true&timeoutSeconds=300&watch=true')
  assert.equal(transport.requests[0]?.stream, true)
  const refused = clientOf(() => failure(410, 'Expired'))
  await assert.rejects(Array.fromAsync(refused.client.watch('v1', 'Pod')), (error) => hasReason(error, 'Expired'))
})
