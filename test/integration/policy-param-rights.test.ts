import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import { admissionPolicyBodies } from '../harness/admission-policy-bodies.ts'
import { startApi, type TestApi } from '../harness/api.ts'

const GROUP = '/apis/admissionregistration.k8s.io/v1'
const RBAC = 'rbac.authorization.k8s.io'
const author: User = { name: 'author', groups: ['system:authenticated'] }

let api: TestApi
before(async () => {
  api = await startApi()
  await grant('author', { apiGroups: ['admissionregistration.k8s.io'], resources: ['*'], verbs: ['*'] })
})
after(() => api.stop())

/** Lets the author do something in all namespaces. */
async function grant(name: string, rule: object): Promise<void> {
  const role = { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name }, rules: [rule] }
  const subjects = [{ kind: 'User', name: author.name, apiGroup: RBAC }]
  const binding = {
    ...{ apiVersion: `${RBAC}/v1`, kind: 'ClusterRoleBinding', metadata: { name }, subjects },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
  }
  assert.equal((await api.request('POST', `/apis/${RBAC}/v1/clusterroles`, role)).status, 201)
  assert.equal((await api.request('POST', `/apis/${RBAC}/v1/clusterrolebindings`, binding)).status, 201)
}

test('who writes a policy must be allowed to read its parameters, and who binds it those that he gives', async () => {
  const cases = [
    {
      how: 'validating',
      plural: 'validatingadmissionpolicies',
      bindings: 'validatingadmissionpolicybindings',
      kind: 'ConfigMap',
      resource: 'configmaps',
    },
    {
      how: 'mutating',
      plural: 'mutatingadmissionpolicies',
      bindings: 'mutatingadmissionpolicybindings',
      kind: 'Secret',
      resource: 'secrets',
    },
  ] as const
  for (const { how, plural, bindings, kind, resource } of cases) {
    const { [how]: policy, [`${how}Binding` as const]: binding } = admissionPolicyBodies(`of-${how}`)
    const paramKind = { apiVersion: 'v1', kind }
    const write = (path: string, body: { spec: object }, spec: object, user?: User) =>
      api.request('POST', `${GROUP}/${path}`, { ...body, spec: { ...body.spec, ...spec } }, {}, user)
    const refused = await write(plural, policy, { paramKind }, author)
    assert.equal(refused.status, 422)
    const why = `spec.paramKind: Forbidden: user "author" must have "get" permission on all objects of the referenced paramKind (kind=${kind}, apiVersion=v1)`
    assert.equal(refused.json['message'], `${policy.kind}.admissionregistration.k8s.io "of-${how}" is invalid: ${why}`)
    assert.equal((await write(plural, policy, { paramKind })).status, 201, 'an administrator may')
    const relabelled = await api.request('PATCH', `${GROUP}/${plural}/of-${how}`, { metadata: { labels: { a: 'b' } } }, MERGE, author)
    assert.equal(relabelled.status, 200, 'what was there may stay')

    const paramRef = { name: 'x', namespace: 'default', parameterNotFoundAction: 'Allow' }
    const unbound = await write(bindings, binding, { paramRef }, author)
    assert.equal(unbound.status, 422)
    assert.match(
      String(unbound.json['message']),
      /spec.paramRef: Forbidden: user "author" does not have "get" permission on the object referenced by paramRef$/,
    )
    await grant(`get-${resource}`, { apiGroups: [''], resources: [resource], verbs: ['get'], resourceNames: ['x'] })
    assert.equal((await write(bindings, binding, { paramRef }, author)).status, 201)
    const wider = { paramRef: { selector: {}, parameterNotFoundAction: 'Allow' } }
    const more = await api.request(
      'PATCH',
      `${GROUP}/${bindings}/of-${how}`,
      { spec: { paramRef: { ...wider.paramRef, name: null, namespace: null } } },
      MERGE,
      author,
    )
    assert.equal(more.status, 422)
    assert.match(String(more.json['message']), /does not have "list" permission/)
  }
})

const MERGE = { 'content-type': 'application/merge-patch+json' }
