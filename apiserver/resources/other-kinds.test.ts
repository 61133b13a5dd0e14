import assert from 'node:assert/strict'
import test from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { deepFreeze } from '../../shared/objects/object.ts'
import type { CertificateSigningRequest } from '../../shared/openapi/generated/certificates-v1.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes } from '../authz/authorizer.ts'
import type { HookContext, ResourceServices } from '../registry/define-resource.ts'
import { decodeObject } from '../registry/schema-check.ts'
import csr from './certificates/certificate-signing-request.ts'
import namespace from './core/namespace.ts'
import node from './core/node.ts'
import secret from './core/secret.ts'
import { loadResources } from './load.ts'

const context: HookContext = {
  user: { name: 'jane', uid: 'j', groups: ['dev'], extra: { scopes: ['a'] } },
  reader: new TestReader(),
  clock: { ...realClock(), now: () => Date.parse('2026-11-23T12:00:00Z') },
  random: seededRandom(1),
  dryRun: false,
  warn: () => undefined,
}
const made = <T extends KubeObject>(apiVersion: string, kind: string, fields: object): T =>
  decodeObject(apiVersion, kind, structuredClone(fields), { fieldValidation: 'Strict' }) as T

test('a namespace: label, phase, finalizer, and the ones that stay', () => {
  const it = made<Parameters<NonNullable<typeof namespace.hooks.mayDelete>>[0]>('v1', 'Namespace', {
    metadata: { name: 'a', labels: { x: 'y' } },
  })
  namespace.hooks.applyDefaults?.(it, context)
  namespace.hooks.prepareForCreate?.(it, context)
  assert.deepEqual(it.metadata.labels, { x: 'y', 'kubernetes.io/metadata.name': 'a' })
  assert.deepEqual([it.spec.finalizers, it.status.phase], [['kubernetes'], 'Active'])
  assert.equal(namespace.hooks.holdsDeletion?.(it), true)
  namespace.hooks.prepareForDelete?.(it)
  assert.equal(it.status.phase, 'Terminating')
  namespace.hooks.mayDelete?.(it, context)
  it.metadata.name = 'kube-system'
  assert.throws(() => namespace.hooks.mayDelete?.(it, context), { code: 403, message: /this namespace may not be deleted/ })
})

test('only finalize changes the finalizers of a namespace', () => {
  const previous = deepFreeze(
    made<Parameters<NonNullable<typeof namespace.hooks.mayDelete>>[0]>('v1', 'Namespace', {
      metadata: { name: 'a' },
      spec: { finalizers: ['kubernetes'] },
    }),
  )
  const next = structuredClone(previous)
  next.spec.finalizers = []
  namespace.hooks.prepareForUpdate?.(next, previous, context)
  assert.deepEqual(next.spec.finalizers, ['kubernetes'])
  next.spec.finalizers = []
  namespace.hooks.views?.['finalize']?.restrict(next, previous, context)
  assert.deepEqual(next.spec.finalizers, [])
})

test('a Secret keeps stringData as data', () => {
  const it = made<Parameters<NonNullable<typeof secret.hooks.applyDefaults>>[0]>('v1', 'Secret', {
    data: { a: 'b2xk' },
    stringData: { a: 'new', b: 'ü' },
  })
  secret.hooks.applyDefaults?.(it, context)
  assert.deepEqual([it.type, it.stringData, it.data], ['Opaque', undefined, { a: 'bmV3', b: 'w7w=' }])
})

test('a node prints its state and its roles', () => {
  const cellsOf = (fields: object) => {
    const it = made<Parameters<NonNullable<typeof node.hooks.applyDefaults>>[0]>('v1', 'Node', fields)
    return ['Status', 'Roles', 'Internal-IP', 'OS-Image'].map((name) =>
      node.hooks.columns?.find((column) => column.name === name)?.value(it, 0),
    )
  }
  assert.deepEqual(cellsOf({}), ['Unknown', '<none>', '<none>', '<unknown>'])
  const conditions = (status: string) => ({ conditions: [{ type: 'Ready', status }] })
  const labels = { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '', 'kubernetes.io/role': 'old' }
  const addresses = [{ type: 'InternalIP', address: '10.0.0.1' }]
  assert.deepEqual(cellsOf({ metadata: { labels }, spec: { unschedulable: true }, status: { ...conditions('True'), addresses } }), [
    'Ready,SchedulingDisabled',
    'control-plane,old,worker',
    '10.0.0.1',
    '<unknown>',
  ])
  assert.equal(cellsOf({ status: conditions('Unknown') })[0], 'NotReady')
})

test('a certificate request is the asker’s, and approval writes conditions and no certificate', () => {
  const request = made<CertificateSigningRequest>('certificates.k8s.io/v1', 'CertificateSigningRequest', {
    spec: { signerName: 'a.b/c', username: 'root', groups: ['system:masters'] },
  })
  csr.hooks.prepareForCreate?.(request, context)
  assert.deepEqual(
    [request.spec.username, request.spec.uid, request.spec.groups, request.spec.extra],
    ['jane', 'j', ['dev'], { scopes: ['a'] }],
  )
  const previous = deepFreeze(structuredClone(request))
  const next = structuredClone(previous)
  next.spec.username = 'root'
  next.status = {
    certificate: 'forged',
    conditions: [
      { type: 'Approved', status: 'True' },
      { type: 'Failed', status: 'True' },
    ],
  }
  csr.hooks.views?.['approval']?.restrict(next, previous, context)
  assert.equal(next.spec.username, 'jane')
  const stamps = { lastUpdateTime: '2026-11-23T12:00:00Z', lastTransitionTime: '2026-11-23T12:00:00Z' }
  assert.deepEqual(next.status, {
    conditions: [
      { type: 'Approved', status: 'True', ...stamps },
      { type: 'Failed', status: 'True', ...stamps },
    ],
  })
  assert.equal(csr.hooks.columns?.find((column) => column.name === 'Condition')?.value(next, 0), 'Approved,Failed')
})

test('reviews put their question to the authorisers and to the tokens', async () => {
  const asked: AccessAttributes[] = []
  const services = {
    authorize: (attributes: AccessAttributes) => {
      asked.push(attributes)
      return attributes.verb === 'get' ? { decision: 'allow', reason: 'because' } : { decision: 'noOpinion', reason: '' }
    },
    rulesFor: (_user: User, name: string) => ({ resourceRules: [{ verbs: [name] }], nonResourceRules: [] }),
    tokens: {
      review: async (token: string) => {
        if (token === 'bad') throw new StatusError('Unauthorized', 'invalid bearer token')
        return { user: context.user, audiences: ['api'] }
      },
    },
  } as unknown as ResourceServices
  const definitions = await loadResources(services)
  const answer = async (kind: string, fields: object) => {
    const definition = definitions.find((each) => each.kind === kind)!
    const review = made(definition.apiVersion, kind, fields)
    for (const problem of definition.hooks.validate?.(review) ?? []) throw new Error(`${problem.path}: ${problem.message}`)
    return ((await definition.hooks.answer!(review, context)) as KubeObject & { status: object }).status
  }
  const about = { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'n' } }
  assert.deepEqual(await answer('SelfSubjectAccessReview', { spec: about }), { allowed: true, reason: 'because' })
  assert.equal(asked[0]?.user.name, 'jane')
  assert.deepEqual(await answer('SubjectAccessReview', { spec: { user: 'bob', nonResourceAttributes: { path: '/x', verb: 'put' } } }), {
    allowed: false,
  })
  assert.deepEqual([asked[1]?.user.name, asked[1]?.path], ['bob', '/x'])
  await assert.rejects(answer('SubjectAccessReview', { spec: about }), /at least one of user or group must be specified/)
  await assert.rejects(answer('SelfSubjectAccessReview', { spec: {} }), /exactly one of/)
  await assert.rejects(answer('LocalSubjectAccessReview', { metadata: { namespace: 'm' }, spec: { user: 'bob', ...about } }), { code: 400 })
  assert.deepEqual(await answer('SelfSubjectRulesReview', { spec: { namespace: 'n' } }), {
    resourceRules: [{ verbs: ['n'] }],
    nonResourceRules: [],
    incomplete: false,
  })
  await assert.rejects(answer('SelfSubjectRulesReview', {}), { code: 400 })
  const userInfo = { username: 'jane', uid: 'j', groups: ['dev'], extra: { scopes: ['a'] } }
  assert.deepEqual(await answer('SelfSubjectReview', {}), { userInfo })
  assert.deepEqual(await answer('TokenReview', { spec: { token: 'good' } }), { authenticated: true, user: userInfo, audiences: ['api'] })
  assert.deepEqual(await answer('TokenReview', { spec: { token: 'bad' } }), { user: {}, error: 'invalid bearer token' })
  await assert.rejects(answer('TokenReview', {}), { code: 400 })
})
