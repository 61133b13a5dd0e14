import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { PolicyRule, Subject } from '../../shared/openapi/generated/rbac-v1.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import type { User } from '../authn/user.ts'
import { requiredPolicy } from '../bootstrap/policy/required-policy.ts'
import { type Authorization, createAuthorization } from './authorize.ts'
import type { AccessAttributes } from './authorizer.ts'

const API = 'rbac.authorization.k8s.io/v1'
const jane: User = { name: 'jane', groups: ['dev', 'system:authenticated'] }
const ask = (changes: Partial<AccessAttributes>): AccessAttributes => ({
  ...{ user: jane, verb: 'get', group: '', version: 'v1', resource: 'pods', subresource: '', namespace: 'default', name: '' },
  ...changes,
})

let reader = new TestReader()
let authorization: Authorization
const may = (changes: Partial<AccessAttributes>) => authorization.authorize(ask(changes)).decision === 'allow'

const role = (name: string, rules: PolicyRule[], namespace = 'default') => reader.put(API, 'Role', { metadata: { namespace, name }, rules })
const clusterRole = (name: string, rules: PolicyRule[], more: object = {}) =>
  reader.put(API, 'ClusterRole', {
    metadata: { name, ...('labels' in more ? { labels: more.labels as Record<string, string> } : {}) },
    rules,
    ...more,
  })
const bind = (kind: 'Role' | 'ClusterRole', name: string, subject: Subject, namespace = 'default') =>
  reader.put(API, 'RoleBinding', { metadata: { namespace, name }, roleRef: { apiGroup: '', kind, name }, subjects: [subject] })
const bindEverywhere = (name: string, subject: Subject) =>
  reader.put(API, 'ClusterRoleBinding', { metadata: { name }, roleRef: { apiGroup: '', kind: 'ClusterRole', name }, subjects: [subject] })
const user = (name: string): Subject => ({ kind: 'User', name })
const rule = (verbs: string[], resources: string[], apiGroups = [''], resourceNames?: string[]): PolicyRule => ({
  ...{ verbs, resources, apiGroups },
  ...(resourceNames ? { resourceNames } : {}),
})

beforeEach(() => {
  reader = new TestReader()
  authorization = createAuthorization(reader)
})

describe('role based access control', () => {
  it('allows nothing by itself, and says so in words people know', () => {
    const refusal = (changes: Partial<AccessAttributes>) => {
      try {
        authorization.require(ask(changes))
      } catch (error) {
        assert.ok(error instanceof StatusError)
        assert.equal(error.code, 403)
        return error
      }
      throw new Error('it was allowed')
    }
    const message = (changes: Partial<AccessAttributes>) => refusal(changes).message
    assert.equal(
      message({ verb: 'list' }),
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    )
    assert.equal(
      message({ name: 'web', subresource: 'log' }),
      'pods "web" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "default"',
    )
    assert.equal(
      message({ verb: 'create', group: 'apps', resource: 'deployments', namespace: '' }),
      'deployments.apps is forbidden: User "jane" cannot create resource "deployments" in API group "apps" at the cluster scope',
    )
    assert.equal(message({ path: '/metrics', resource: '' }), 'forbidden: User "jane" cannot get path "/metrics"')
    assert.deepEqual(refusal({ name: 'web' }).details, { name: 'web', kind: 'pods' })
  })

  it('keeps a role in its namespace', () => {
    role('reader', [rule(['get', 'list'], ['pods'])])
    bind('Role', 'reader', user('jane'))
    assert.ok(may({}) && may({ verb: 'list' }))
    for (const other of [
      { namespace: 'other' },
      { namespace: '' },
      { verb: 'delete' },
      { resource: 'secrets' },
      { group: 'apps' },
      { subresource: 'log' },
      { user: { ...jane, name: 'joe' } },
    ]) {
      assert.equal(may(other), false, JSON.stringify(other))
    }
  })

  it('says through which binding', () => {
    role('reader', [rule(['get'], ['pods'])])
    bind('Role', 'reader', { kind: 'Group', name: 'dev' })
    assert.equal(authorization.authorize(ask({})).reason, 'RBAC: allowed by RoleBinding "reader/default" of Role "reader" to Group "dev"')
  })

  it('knows service accounts as subjects', () => {
    role('reader', [rule(['get'], ['pods'])])
    bind('Role', 'reader', { kind: 'ServiceAccount', name: 'builder', namespace: 'ci' })
    assert.ok(may({ user: { name: 'system:serviceaccount:ci:builder', groups: [] } }))
    assert.equal(may({ user: { name: 'system:serviceaccount:default:builder', groups: [] } }), false)
  })

  it('lends a cluster role to one namespace, or to all', () => {
    clusterRole('reader', [rule(['get'], ['pods'])])
    bind('ClusterRole', 'reader', user('jane'))
    assert.ok(may({}))
    assert.equal(may({ namespace: 'other' }), false)
    bindEverywhere('reader', user('jane'))
    assert.ok(may({ namespace: 'other' }) && may({ namespace: '' }))
  })

  it('reads wildcards', () => {
    clusterRole('all', [rule(['*'], ['*'], ['*'])])
    bindEverywhere('all', user('jane'))
    assert.ok(may({ verb: 'anything', group: 'example.com', resource: 'widgets', subresource: 'x' }))
    assert.equal(may({ path: '/metrics', resource: '' }), false, 'resources are no paths')
    clusterRole('scale', [rule(['update'], ['*/scale'], ['*'])])
    bindEverywhere('scale', user('joe'))
    const joe = { name: 'joe', groups: [] }
    assert.ok(may({ user: joe, verb: 'update', group: 'apps', resource: 'deployments', subresource: 'scale' }))
    assert.equal(may({ user: joe, verb: 'update', group: 'apps', resource: 'deployments' }), false)
  })

  it('restricts to names, which list and create do not have', () => {
    role('one', [rule(['get', 'list', 'create'], ['secrets'], [''], ['tls'])])
    bind('Role', 'one', user('jane'))
    assert.ok(may({ resource: 'secrets', name: 'tls' }))
    assert.equal(may({ resource: 'secrets', name: 'other' }), false)
    assert.equal(may({ resource: 'secrets', verb: 'list' }), false)
    assert.equal(may({ resource: 'secrets', verb: 'create' }), false)
    assert.ok(may({ resource: 'secrets', verb: 'list', name: 'tls' }), 'a list of one, by field selector')
  })

  it('allows paths, with a star at their end', () => {
    clusterRole('paths', [{ verbs: ['get'], nonResourceURLs: ['/metrics', '/logs/*'] }])
    bindEverywhere('paths', user('jane'))
    const path = (text: string, verb = 'get') => may({ path: text, resource: '', namespace: '', verb })
    assert.ok(path('/metrics') && path('/logs/a/b') && path('/logs/'))
    assert.equal(path('/metrics/x') || path('/logs') || path('/metrics', 'post'), false)
  })

  it('notices every change at once', () => {
    role('reader', [rule(['get'], ['pods'])])
    bind('Role', 'reader', user('jane'))
    assert.ok(may({}))
    role('reader', [rule(['list'], ['pods'])])
    assert.equal(may({}), false)
    role('reader', [rule(['get'], ['pods'])])
    bind('Role', 'reader', user('joe'))
    assert.equal(may({}), false)
    bind('Role', 'reader', user('jane'))
    assert.ok(may({}))
    reader.remove(API, 'RoleBinding', 'default/reader')
    assert.equal(may({}), false)
  })

  it('tells about bindings to roles that are not there', () => {
    bind('ClusterRole', 'gone', user('jane'))
    assert.throws(() => authorization.require(ask({})), /RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found/)
  })

  it('counts aggregated rules, through several steps and in spite of circles', () => {
    const aggregation = (label: string) => ({ aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: 'true' } }] } })
    clusterRole('outer', [], aggregation('to-outer'))
    clusterRole('inner', [], { labels: { 'to-outer': 'true' }, ...aggregation('to-inner') })
    clusterRole('part', [rule(['get'], ['pods'])], { labels: { 'to-inner': 'true', 'to-outer': 'true' } })
    clusterRole('circle', [rule(['list'], ['pods'])], { labels: { 'to-inner': 'true' }, ...aggregation('to-outer') })
    bindEverywhere('outer', user('jane'))
    assert.ok(may({}) && may({ verb: 'list' }))
    assert.equal(may({ verb: 'delete' }), false)
  })

  it('cannot lock out masters', () => {
    assert.ok(may({ user: { name: 'root', groups: ['system:masters'] }, verb: 'delete', resource: 'nodes', namespace: '' }))
  })

  it('lists what somebody holds', () => {
    role('reader', [rule(['get'], ['pods'])])
    bind('Role', 'reader', user('jane'))
    clusterRole('paths', [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }])
    bindEverywhere('paths', user('jane'))
    assert.deepEqual(authorization.rulesFor(jane, 'default'), {
      resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }],
    })
    assert.deepEqual(authorization.rulesFor(jane, 'other').resourceRules, [])
  })

  it('lists a rule once, though it is gathered and written into the role that gathers', () => {
    clusterRole('part', [rule(['get'], ['pods'])], { labels: { 'to-whole': 'true' } })
    clusterRole('whole', [rule(['get'], ['pods'])], {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'to-whole': 'true' } }] },
    })
    bindEverywhere('whole', user('jane'))
    assert.equal(authorization.rulesFor(jane, 'default').resourceRules.length, 1)
  })
})

describe('handing out rights', () => {
  const object = { resource: 'roles', namespace: 'default', name: 'new' }
  it('is limited to what one holds', () => {
    role('reader', [rule(['get', 'list'], ['pods', 'secrets'])])
    bind('Role', 'reader', user('jane'))
    authorization.grants.checkRole(jane, object, [rule(['get'], ['pods']), rule(['list'], ['secrets'], [''], ['one'])])
    assert.throws(
      () => authorization.grants.checkRole(jane, object, [rule(['get', 'delete'], ['pods'])]),
      /^StatusError: roles.rbac.authorization.k8s.io "new" is forbidden: user "jane" \(groups=\["dev" "system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["pods"\], Verbs:\["delete"\]\}$/,
    )
    for (const wanted of [
      rule(['*'], ['pods']),
      rule(['get'], ['*']),
      rule(['get'], ['pods'], ['*']),
      { verbs: ['get'], nonResourceURLs: ['/metrics'] },
    ]) {
      assert.throws(() => authorization.grants.checkRole(jane, object, [wanted]), /not currently held/)
    }
  })

  it('goes further with escalate and bind', () => {
    clusterRole('big', [rule(['*'], ['*'], ['*'])])
    const reference = { apiGroup: '', kind: 'ClusterRole', name: 'big' }
    const binding = { resource: 'rolebindings', namespace: 'default', name: 'b' }
    assert.throws(() => authorization.grants.checkBinding(jane, binding, reference), /not currently held/)
    assert.throws(() => authorization.grants.checkBinding(jane, binding, { ...reference, name: 'gone' }), /"gone" not found/)
    role('lender', [
      rule(['bind'], ['clusterroles'], ['rbac.authorization.k8s.io'], ['big']),
      rule(['escalate'], ['roles'], ['rbac.authorization.k8s.io']),
    ])
    bind('Role', 'lender', user('jane'))
    authorization.grants.checkBinding(jane, binding, reference)
    authorization.grants.checkRole(jane, object, [rule(['*'], ['*'], ['*'])])
  })
})

describe('the bootstrap policy', () => {
  beforeEach(() => {
    for (const { object } of requiredPolicy()) {
      const { apiVersion, kind, ...content } = object
      assert.equal(apiVersion, API)
      reader.put(API, kind as 'ClusterRole', content)
    }
  })
  const as = (name: string, ...groups: string[]): User => ({ name, groups: [...groups, 'system:authenticated'] })
  const nobody: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
  const path = (of: User, text: string) => may({ user: of, path: text, resource: '', namespace: '' })

  it('lets nobody see health, the version and the public card, and nothing else', () => {
    for (const text of ['/healthz', '/livez', '/readyz', '/version']) assert.ok(path(nobody, text), text)
    for (const text of ['/metrics', '/api', '/openapi/v3', '/readyz/etcd', '/.well-known/openid-configuration'])
      assert.equal(path(nobody, text), false, text)
    assert.ok(may({ user: nobody, resource: 'configmaps', namespace: 'kube-public', name: 'cluster-info' }))
    assert.equal(may({ user: nobody, resource: 'configmaps', namespace: 'kube-public', verb: 'list' }), false)
    assert.equal(
      may({ user: nobody, group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews', verb: 'create', namespace: '' }),
      false,
    )
  })

  it('lets everybody known discover, and ask about themselves', () => {
    const someone = as('someone')
    for (const text of ['/api', '/apis/apps/v1', '/openapi/v3', '/version']) assert.ok(path(someone, text), text)
    assert.ok(may({ user: someone, group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews', verb: 'create', namespace: '' }))
    assert.ok(may({ user: someone, group: 'authentication.k8s.io', resource: 'selfsubjectreviews', verb: 'create', namespace: '' }))
    assert.equal(may({ user: someone, verb: 'list' }), false)
    assert.ok(path(as('system:serviceaccount:a:b', 'system:serviceaccounts'), '/openid/v1/jwks'))
  })

  it('lets joining nodes ask for a certificate and whether their name is taken, and nothing else', () => {
    const joining = as('system:bootstrap:abcdef', 'system:bootstrappers')
    const requests = { user: joining, group: 'certificates.k8s.io', resource: 'certificatesigningrequests', namespace: '' }
    for (const verb of ['create', 'get', 'list', 'watch']) assert.ok(may({ ...requests, verb }), verb)
    assert.ok(may({ ...requests, verb: 'create', subresource: 'nodeclient' }), 'what the approver looks for')
    for (const verb of ['update', 'delete', 'patch']) assert.equal(may({ ...requests, verb }), false, verb)
    assert.equal(may({ ...requests, verb: 'update', subresource: 'approval' }), false)
    for (const resource of ['pods', 'secrets', 'nodes', 'services', 'configmaps']) {
      const verbs = resource === 'nodes' ? [] : ['get']
      for (const verb of [...verbs, 'list', 'watch', 'create', 'update', 'patch', 'delete'])
        assert.equal(may({ user: joining, resource, verb, namespace: 'kube-system' }), false, `${verb} ${resource}`)
    }
    assert.ok(may({ user: joining, resource: 'nodes', name: 'worker-1', verb: 'get', namespace: '' }))
  })

  it('lets the scheduler bind and not create', () => {
    const scheduler = as('system:kube-scheduler')
    assert.ok(may({ user: scheduler, resource: 'pods', verb: 'list', namespace: '' }))
    assert.ok(may({ user: scheduler, resource: 'pods', subresource: 'binding', verb: 'create' }))
    assert.ok(
      may({
        user: scheduler,
        group: 'coordination.k8s.io',
        resource: 'leases',
        name: 'kube-scheduler',
        verb: 'update',
        namespace: 'kube-system',
      }),
    )
    for (const [resource, verb] of [
      ['pods', 'create'],
      ['secrets', 'get'],
      ['nodes', 'delete'],
      ['nodes', 'patch'],
    ] as const) {
      assert.equal(may({ user: scheduler, resource, verb }), false, `${verb} ${resource}`)
    }
    assert.equal(
      may({
        user: scheduler,
        group: 'coordination.k8s.io',
        resource: 'leases',
        name: 'a',
        verb: 'update',
        namespace: 'kube-node-lease',
      }),
      false,
    )
  })

  it('lets the controller manager see everything and make accounts, and change nothing that its controllers do', () => {
    const manager = as('system:kube-controller-manager')
    for (const wish of [
      { verb: 'watch', group: 'apps', resource: 'replicasets' },
      { verb: 'list', resource: 'secrets', namespace: '' },
      { verb: 'create', resource: 'serviceaccounts', namespace: 'kube-system' },
      { verb: 'create', resource: 'serviceaccounts', subresource: 'token', namespace: 'kube-system' },
    ]) {
      assert.ok(may({ user: manager, ...wish }), JSON.stringify(wish))
    }
    for (const wish of [
      { verb: 'create', resource: 'pods' },
      { verb: 'delete', group: 'apps', resource: 'replicasets' },
      { verb: 'update', resource: 'namespaces', subresource: 'finalize', namespace: '' },
      { verb: 'sign', group: 'certificates.k8s.io', resource: 'signers', namespace: '', name: 'kubernetes.io/kubelet-serving' },
      { verb: 'escalate', group: 'rbac.authorization.k8s.io', resource: 'clusterroles', namespace: '' },
      { verb: 'bind', group: 'rbac.authorization.k8s.io', resource: 'clusterroles', namespace: '' },
      { verb: 'impersonate', resource: 'users', name: 'root', namespace: '' },
    ]) {
      assert.equal(may({ user: manager, ...wish }), false, JSON.stringify(wish))
    }
  })

  it('lets each controller do its own work and nobody else’s', () => {
    const accountUser = (name: string) => as(`system:serviceaccount:kube-system:${name}`, 'system:serviceaccounts')
    const sets = { verb: 'create', group: 'apps', resource: 'replicasets' }
    assert.ok(may({ user: accountUser('deployment-controller'), ...sets }))
    assert.equal(may({ user: accountUser('deployment-controller'), verb: 'create', resource: 'pods' }), false)
    assert.ok(may({ user: accountUser('replicaset-controller'), verb: 'create', resource: 'pods' }))
    assert.equal(may({ user: accountUser('replicaset-controller'), ...sets }), false)
    const signer = { group: 'certificates.k8s.io', resource: 'signers', namespace: '', name: 'kubernetes.io/kubelet-serving' }
    for (const verb of ['sign', 'approve']) assert.ok(may({ user: accountUser('certificate-controller'), verb, ...signer }), verb)
    assert.equal(may({ user: accountUser('generic-garbage-collector'), verb: 'sign', ...signer }), false)
  })

  it('lets kube-proxy and dns, with their own or their node’s identity, see Services', () => {
    for (const proxy of [as('system:kube-proxy'), as('system:node:a', 'system:nodes')]) {
      assert.ok(may({ user: proxy, verb: 'watch', resource: 'services', namespace: '' }))
      assert.ok(may({ user: proxy, verb: 'list', group: 'discovery.k8s.io', resource: 'endpointslices', namespace: '' }))
      assert.equal(may({ user: proxy, verb: 'list', resource: 'secrets', namespace: '' }), false)
    }
    // What both of them watch, whatever else the node authoriser comes to refuse.
    const node = as('system:node:a', 'system:nodes')
    for (const resource of ['nodes', 'services', 'namespaces']) {
      for (const verb of ['list', 'watch']) assert.ok(may({ user: node, verb, resource, namespace: '' }), `${verb} ${resource}`)
    }
    for (const wish of [
      { resource: 'endpoints' },
      { resource: 'serviceaccounts' },
      { group: 'networking.k8s.io', resource: 'servicecidrs' },
    ])
      assert.equal(may({ user: node, verb: 'list', namespace: '', ...wish }), false, wish.resource)
  })

  it('separates view, edit and admin', () => {
    for (const name of ['view', 'edit', 'admin']) bind('ClusterRole', name, user(name), 'team')
    const can = (name: string, changes: Partial<AccessAttributes>) => may({ user: as(name), namespace: 'team', ...changes })
    assert.ok(
      can('view', { verb: 'list', group: 'apps', resource: 'deployments' }) && can('view', { resource: 'pods', subresource: 'log' }),
    )
    assert.equal(
      can('view', { resource: 'secrets' }) ||
        can('view', { verb: 'create' }) ||
        can('view', { resource: 'pods', subresource: 'exec', verb: 'create' }),
      false,
    )
    assert.ok(can('edit', { resource: 'secrets' }) && can('edit', { resource: 'pods', subresource: 'exec', verb: 'create' }))
    assert.ok(can('edit', { verb: 'patch', group: 'apps', resource: 'deployments', subresource: 'scale' }))
    const roles = { group: 'rbac.authorization.k8s.io', resource: 'rolebindings', verb: 'create' }
    assert.equal(can('edit', roles), false)
    assert.ok(can('admin', roles))
    assert.equal(
      can('admin', { ...roles, namespace: 'other' }) ||
        can('admin', { resource: 'nodes', namespace: '' }) ||
        can('admin', { resource: 'resourcequotas', verb: 'create' }),
      false,
    )
  })
})
