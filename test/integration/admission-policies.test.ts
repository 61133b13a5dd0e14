import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startApi } from '../harness/api.ts'
import { configMap, deployment, pod, serviceAccount } from '../harness/bodies.ts'
import { findKubectl, kubectlFor } from '../harness/kubectl.ts'

const GROUP = '/apis/admissionregistration.k8s.io/v1'
const MAPS = '/api/v1/namespaces/default/configmaps'
const rule = (resources: string[], apiGroups: string[] = [''], operations = ['CREATE', 'UPDATE']) => ({
  ...{ apiGroups, apiVersions: ['v1'], resources, operations },
})

async function scene(context: TestContext) {
  const api = await startApi({}, context)
  const put = async (plural: string, kind: string, name: string, spec: object) => {
    const body = { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name }, spec }
    return api.request('POST', `${GROUP}/${plural}`, body)
  }
  const policy = (name: string, spec: object) =>
    put('validatingadmissionpolicies', 'ValidatingAdmissionPolicy', name, {
      matchConstraints: { resourceRules: [rule(['configmaps'])] },
      ...spec,
    })
  const bind = (name: string, spec: object = {}) =>
    put('validatingadmissionpolicybindings', 'ValidatingAdmissionPolicyBinding', name, {
      policyName: name,
      validationActions: ['Deny'],
      ...spec,
    })
  /** A policy with its binding, in force from then on. */
  const inForce = async (name: string, spec: object, binding: object = {}) => {
    for (const answer of [await policy(name, spec), await bind(name, binding)]) assert.equal(answer.status, 201, answer.text)
  }
  const create = (name: string, data: Record<string, string> = {}, metadata: object = {}) => {
    const body = configMap(name, { data })
    return api.request('POST', MAPS, { ...body, metadata: { ...body.metadata, ...metadata } })
  }
  return { api, policy, bind, inForce, create }
}

test('a policy is in force once it is bound, and refuses in upstream’s words', async (context) => {
  const { api, policy, bind } = await scene(context)
  const matchConstraints = { resourceRules: [rule(['deployments'], ['apps'])] }
  await policy('replicas', { matchConstraints, validations: [{ expression: 'object.spec.replicas <= 2' }] })
  const create = (name: string, replicas: number) => {
    const body = deployment(name)
    return api.request('POST', '/apis/apps/v1/namespaces/default/deployments', { ...body, spec: { ...body.spec, replicas } })
  }
  assert.equal((await create('before', 3)).status, 201)
  assert.equal((await bind('replicas')).status, 201)
  const refused = await create('web', 3)
  assert.equal(refused.status, 422)
  const told = "ValidatingAdmissionPolicy 'replicas' with binding 'replicas' denied request: failed expression: object.spec.replicas <= 2"
  assert.equal(refused.json['message'], `deployments.apps "web" is forbidden: ${told}`)
  assert.equal(refused.json['reason'], 'Invalid')
  assert.deepEqual(refused.json['details'], { name: 'web', group: 'apps', kind: 'deployments', causes: [{ message: told }] })
  assert.equal((await create('web', 2)).status, 201)
  const scaled = await api.request('GET', '/apis/apps/v1/namespaces/default/deployments/web')
  const changed = await api.request('PUT', '/apis/apps/v1/namespaces/default/deployments/web', {
    ...scaled.json,
    spec: { ...(scaled.json['spec'] as object), replicas: 5 },
  })
  assert.equal(changed.status, 422)
  assert.equal((await api.request('DELETE', `${GROUP}/validatingadmissionpolicybindings/replicas`)).status, 200)
  assert.equal((await create('after', 3)).status, 201)
})

test('messages, reasons, warnings, variables and match conditions', async (context) => {
  const { inForce, create } = await scene(context)
  const validations = [
    {
      ...{ expression: 'variables.size < 3', reason: 'Forbidden', message: 'not used' },
      messageExpression: "'too many keys: ' + string(variables.size) + ' by ' + request.userInfo.username",
    },
    { expression: "!('secret' in object.data)", message: 'no secrets here' },
  ]
  const matchConditions = [{ name: 'not-exempt', expression: "object.metadata.name != 'exempt'" }]
  const variables = [
    { name: 'data', expression: 'object.?data.orValue({})' },
    { name: 'size', expression: 'variables.data.size()' },
  ]
  await inForce('keys', { matchConditions, variables, validations })
  const many = await create('many', { a: '1', b: '2', c: '3' })
  assert.equal(many.status, 403)
  assert.match(String(many.json['message']), /denied request: too many keys: 3 by kubernetes-admin$/)
  assert.match(String((await create('secret', { secret: 'x' })).json['message']), /no secrets here$/)
  assert.equal((await create('exempt', { a: '1', b: '2', c: '3' })).status, 201)
  assert.equal((await create('few', { a: '1' })).status, 201)

  await inForce('soft', { validations: [{ expression: "object.metadata.name.startsWith('x')" }] }, { validationActions: ['Warn', 'Audit'] })
  const warned = await create('warned', { a: '1' })
  assert.equal(warned.status, 201)
  assert.match(
    String(warned.header('warning')),
    /Validation failed for ValidatingAdmissionPolicy 'soft' with binding 'soft': failed expression/,
  )
  const both = await create('both', { a: '1', b: '2', c: '3' })
  assert.match(String(both.json['message']), /'keys' with binding 'keys' denied request: too many keys/)
  assert.match(String(both.header('warning')), /'soft'/, 'who is refused by one is warned by those after it')
})

test('what cannot be evaluated is decided by the failure policy, and so is what costs too much', async (context) => {
  const { inForce, create, api } = await scene(context)
  const costly = 'lists.range(2000).all(a, lists.range(2000).all(b, a >= 0))'
  await inForce('lenient', { failurePolicy: 'Ignore', validations: [{ expression: 'object.nope > 1' }, { expression: costly }] })
  assert.equal((await create('a')).status, 201)
  await inForce('strict', { validations: [{ expression: 'object.nope > 1' }] })
  const failed = await create('b')
  assert.equal(failed.status, 422)
  assert.match(String(failed.json['message']), /denied request: expression 'object.nope > 1' resulted in error: no such key: nope$/)
  await api.request('DELETE', `${GROUP}/validatingadmissionpolicies/strict`)
  await inForce('slow', { validations: [{ expression: costly }] })
  assert.match(String((await create('c')).json['message']), /resulted in error: operation cancelled: actual cost limit exceeded$/)
})

test('parameters come from objects that the binding names or selects', async (context) => {
  const { inForce, create, api } = await scene(context)
  const paramKind = { apiVersion: 'v1', kind: 'Secret' }
  const validations = [{ expression: "object.data.size() <= int(params.metadata.labels['most'])" }]
  const secret = (name: string, most: string) =>
    api.request('POST', '/api/v1/namespaces/default/secrets', {
      ...{ apiVersion: 'v1', kind: 'Secret' },
      metadata: { name, labels: { most, limits: 'yes' } },
    })
  await inForce('named', { paramKind, validations }, { paramRef: { name: 'one', parameterNotFoundAction: 'Deny' } })
  const missing = await create('a', { a: '1' })
  assert.match(
    String(missing.json['message']),
    /denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction$/,
  )
  await secret('one', '2')
  assert.equal((await create('a', { a: '1', b: '2' })).status, 201)
  assert.equal((await create('b', { a: '1', b: '2', c: '3' })).status, 422)
  const selecting = { paramRef: { selector: { matchLabels: { limits: 'yes' } }, parameterNotFoundAction: 'Allow' } }
  await inForce('selected', { paramKind, validations }, selecting)
  await secret('two', '1')
  assert.equal((await create('c', { a: '1', b: '2' })).status, 422)
})

test('a binding narrows what a policy is about, and policies are about no policies', async (context) => {
  const { inForce, create, api, policy } = await scene(context)
  const everything = { resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*'] }] }
  const validations = [{ expression: 'false', message: 'no' }]
  await inForce(
    'no',
    { matchConstraints: { ...everything, excludeResourceRules: [rule(['secrets'], [''], ['*'])] }, validations },
    { matchResources: { objectSelector: { matchLabels: { checked: 'yes' } } } },
  )
  assert.equal((await create('a')).status, 201)
  assert.equal((await create('b', {}, { labels: { checked: 'yes' } })).status, 422)
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', labels: { checked: 'yes' } } }
  assert.equal((await api.request('POST', '/api/v1/namespaces/default/secrets', secret)).status, 201)
  assert.equal((await policy('another', { validations })).status, 201)
  assert.equal((await api.request('DELETE', `${GROUP}/validatingadmissionpolicies/no`)).status, 200)
})

test('expressions may ask who may do what', async (context) => {
  const { inForce, api } = await scene(context)
  const expression =
    "authorizer.group('').resource('nodes').check('delete').allowed() && authorizer.requestResource.check('create').allowed()"
  await inForce('rights', { validations: [{ expression, reason: 'Unauthorized' }] })
  assert.equal((await api.request('POST', MAPS, configMap('a'))).status, 201)
})

test('a policy that cannot be followed is refused, with the place in the expression', async (context) => {
  const { policy, bind } = await scene(context)
  const bad = await policy('bad', { validations: [{ expression: 'object.spec.replicas <= y' }] })
  assert.equal(bad.status, 422)
  assert.equal(
    bad.json['message'],
    'ValidatingAdmissionPolicy.admissionregistration.k8s.io "bad" is invalid: spec.validations[0].expression: Invalid value: "object.spec.replicas <= y": ' +
      "compilation failed: ERROR: <input>:1:25: undeclared reference to 'y' (in container '')\n | object.spec.replicas <= y\n | ........................^",
  )
  const told = async (spec: object) => String((await policy('bad', spec)).json['message'])
  assert.match(await told({ validations: [{ expression: '1' }] }), /must evaluate to bool but got int$/)
  assert.match(await told({ validations: [] }), /validations or auditAnnotations must contain at least one item/)
  assert.match(
    await told({ validations: [{ expression: 'true', messageExpression: '1' }] }),
    /messageExpression: .*must evaluate to string but got int$/,
  )
  assert.match(await told({ validations: [{ expression: 'params.x' }] }), /undeclared reference to 'params'/)
  assert.match(
    await told({ validations: [{ expression: 'true' }], matchConstraints: {} }),
    /spec.matchConstraints.resourceRules: Required value$/,
  )
  const later = {
    variables: [
      { name: 'a', expression: 'variables.b' },
      { name: 'b', expression: '1' },
    ],
    validations: [{ expression: 'true' }],
  }
  assert.match(await told(later), /undefined field 'b'/)
  assert.match(String((await bind('x', { validationActions: ['Deny', 'Warn'] })).json['message']), /must not contain both Deny and Warn/)
})

test('kubectl applies the example, and tells why a Deployment is refused; one that is not has a label', async (context) => {
  const api = await startApi({ listen: true }, context)
  const kubectl = kubectlFor(await findKubectl(), join(api.dataDir, 'credentials/admin.kubeconfig'))
  await kubectl.in('guarded').ok(['apply', '-f', join(import.meta.dirname, '../../examples/admission-policy.yaml')])
  const guarded = kubectl.in('guarded')
  const told = "ValidatingAdmissionPolicy 'limited-replicas' with binding 'limited-replicas' denied request: at most 5 replicas"
  assert.equal(
    await guarded.fails('create deployment web --image=nginx --replicas=9'),
    `error: failed to create deployment: deployments.apps "web" is forbidden: ${told}`,
  )
  await guarded.ok('create deployment web --image=nginx --replicas=5')
  assert.equal(await guarded.ok('get deployment web -o jsonpath={.metadata.labels.team}'), 'blue')
  await kubectl.ok('create deployment web --image=nginx --replicas=9')
})

test('a scale is shown as a Scale, and a Namespace as in no namespace', async (context) => {
  const { api, inForce } = await scene(context)
  const scales = { resourceRules: [rule(['deployments/scale'], ['apps'])] }
  const kinds = "request.kind.group + '/' + request.kind.kind + ' ' + request.requestKind.kind + ' ' + request.resource.resource"
  await inForce('scales', { matchConstraints: scales, validations: [{ expression: 'false', messageExpression: kinds }] })
  const web = deployment('web')
  assert.equal((await api.request('POST', '/apis/apps/v1/namespaces/default/deployments', web)).status, 201)
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 3 } }
  const scaled = await api.request('PUT', '/apis/apps/v1/namespaces/default/deployments/web/scale', scale)
  assert.match(String(scaled.json['message']), /denied request: autoscaling\/Scale Scale deployments$/)

  const matchConstraints = { resourceRules: [rule(['namespaces', 'configmaps'])] }
  const namespace = "namespaceObject == null ? 'in none' : 'in ' + namespaceObject.metadata.name"
  await inForce('places', { matchConstraints, validations: [{ expression: 'false', messageExpression: namespace }] })
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default', labels: { own: 'yes' } } }
  assert.match(String((await api.request('PUT', '/api/v1/namespaces/default', body)).json['message']), /denied request: in none$/)
  assert.match(String((await api.request('POST', MAPS, configMap('one'))).json['message']), /denied request: in default$/)
})

test('of an eviction the eviction is shown, and not the deletion that it leads to', async (context) => {
  const { api, inForce } = await scene(context)
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
  const matchConstraints = { resourceRules: [rule(['pods/eviction'], [''], ['*'])] }
  await inForce('evictions', { matchConstraints, validations: [{ expression: "object.metadata.name != 'kept'" }] })
  const evict = async (name: string) => {
    assert.equal((await api.request('POST', '/api/v1/namespaces/default/pods', pod(name))).status, 201)
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } }
    return api.request('POST', `/api/v1/namespaces/default/pods/${name}/eviction`, eviction)
  }
  assert.equal((await evict('kept')).status, 422)
  const evicted = await evict('gone')
  assert.equal(evicted.status, 201, evicted.text)
  assert.equal((await api.request('GET', '/api/v1/namespaces/default/pods/gone')).status, 404)
})

test('a message that an expression makes has 5 KiB at most, in bytes', async (context) => {
  const { inForce, create } = await scene(context)
  const texts = { message: 'instead', messageExpression: `'${'ä'.repeat(2561)}'` }
  await inForce('long', { validations: [{ expression: 'false', ...texts }] })
  assert.match(String((await create('one')).json['message']), /denied request: instead$/)
})
