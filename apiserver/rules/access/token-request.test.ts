import assert from 'node:assert/strict'
import test from 'node:test'
import type { KubeObject } from '../../../shared/objects/object.ts'
import type { ServiceAccount } from '../../../shared/openapi/generated/core-v1.ts'
import { seededRandom } from '../../../shared/random/random.ts'
import { realClock } from '../../../shared/time/clock.ts'
import type { ResourceServices, SubresourceCall, TokenIssue } from '../../registry/define-resource.ts'
import type { ObjectReader } from '../../registry/object-reader.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { tokenAction } from './token-request.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
const account = decodeObject(
  'v1',
  'ServiceAccount',
  { metadata: { name: 'sa', namespace: 'n', uid: 'sa-uid' } },
  { fieldValidation: 'Strict' },
) as ServiceAccount
const pod = decodeObject(
  'v1',
  'Pod',
  { metadata: { name: 'p', uid: 'p-uid' }, spec: { serviceAccountName: 'sa', nodeName: 'node' } },
  { fieldValidation: 'Strict' },
)
const node = decodeObject('v1', 'Node', { metadata: { name: 'node', uid: 'node-uid' } }, { fieldValidation: 'Strict' })
const stored: Record<string, KubeObject> = { 'Pod p': pod, 'Node node': node }

async function request(spec: object): Promise<{ issued: TokenIssue | undefined; answer: { spec: object; status: object } }> {
  let issued: TokenIssue | undefined
  const services = {
    tokens: {
      issue: async (wanted: TokenIssue) => {
        issued = wanted
        return { token: 'signed', expires: NOW + wanted.expirationSeconds * 1000 }
      },
    },
  } as unknown as ResourceServices
  const reader = {
    get: (_version: string, kind: string, { name }: { name: string }) => stored[`${kind} ${name}`],
  } as unknown as ObjectReader
  const call = {
    parent: account,
    body: { spec },
    context: {
      reader,
      clock: { ...realClock(), now: () => NOW },
      random: seededRandom(1),
      dryRun: false,
      user: { name: 'u', groups: [] },
      warn: () => undefined,
    },
  } as unknown as SubresourceCall<ServiceAccount>
  const answer = (await tokenAction(services).run(call)) as { spec: object; status: object }
  return { issued, answer }
}

test('signs a token for an hour unless told otherwise', async () => {
  const { issued, answer } = await request({})
  assert.deepEqual(issued, { namespace: 'n', serviceAccount: { name: 'sa', uid: 'sa-uid' }, audiences: [], expirationSeconds: 3600 })
  assert.deepEqual(answer.status, { token: 'signed', expirationTimestamp: '2026-11-23T13:00:00Z' })
  assert.equal((await request({ expirationSeconds: 600, audiences: ['vault'] })).issued?.expirationSeconds, 600)
})

test('a token bound to a pod knows the pod and its node', async () => {
  const { issued } = await request({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'p-uid' } })
  assert.deepEqual(issued?.boundObject, { kind: 'Pod', name: 'p', uid: 'p-uid' })
  assert.deepEqual(issued?.node, { name: 'node', uid: 'node-uid' })
})

test('refusals', async () => {
  await assert.rejects(request({ expirationSeconds: 599 }), { code: 422, message: /may not specify a duration less than 10 minutes/ })
  await assert.rejects(request({ expirationSeconds: 2 ** 32 + 1 }), { code: 422 })
  await assert.rejects(request({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'gone' } }), { code: 404 })
  await assert.rejects(request({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'old' } }), { code: 409 })
  await assert.rejects(request({ boundObjectRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'p' } }), { code: 400 })
  stored['Pod other'] = decodeObject(
    'v1',
    'Pod',
    { metadata: { name: 'other' }, spec: { serviceAccountName: 'else' } },
    { fieldValidation: 'Strict' },
  )
  await assert.rejects(request({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'other' } }), {
    code: 400,
    message: /different serviceaccount/,
  })
})
