import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { ruleAllows } from '../../apiserver/authz/policy-rule.ts'
import { metricsReader, ownPolicy } from '../../apiserver/bootstrap/policy/own-policy.ts'
import { loadControllers } from '../../controller-manager/controllers/load.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../shared/openapi/generated/rbac-v1.ts'
import { accountOf } from '../../shared/process/controller-set.ts'
import { startCluster } from '../../simulation/cluster.ts'
import { type PublishedRule, publishedPolicy, publishedRules } from '../harness/published-policy.ts'

const API = 'rbac.authorization.k8s.io/v1'
const published = publishedPolicy()
const everyRule = published.roles.flatMap(({ rules }) => rules)
const stored = { roles: [] as (ClusterRole | Role)[], bindings: [] as (ClusterRoleBinding | RoleBinding)[] }
/** `group/resource` of everything that this server has, and of everything that upstream's policy speaks of. */
let resources: string[] = []

interface Question {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  readonly path: string | undefined
}

before(async () => {
  const cluster = await startCluster()
  try {
    const { client } = cluster
    stored.roles = [...(await client.list(API, 'ClusterRole')).items, ...(await client.list(API, 'Role')).items]
    stored.bindings = [...(await client.list(API, 'ClusterRoleBinding')).items, ...(await client.list(API, 'RoleBinding')).items]
    const versions = [...(await groupVersions(cluster.client)), 'api/v1']
    const lists = await Promise.all(versions.map((path) => cluster.client.request('GET', `/${path}`)))
    const served = lists.flatMap((list, index) => {
      const group = versions[index]?.split('/').slice(1, -1).join('/') ?? ''
      return (list as { resources: { name: string }[] }).resources.map(({ name }) => `${group}/${name}`)
    })
    const spokenOf = everyRule.flatMap(({ groups, resources }) =>
      groups.flatMap((group) =>
        resources.map((resource) => `${group === '*' ? 'example.com' : group}/${resource.replaceAll('*', 'widgets')}`),
      ),
    )
    resources = [...new Set([...served, ...spokenOf, 'example.com/widgets', 'example.com/widgets/status'])].sort()
  } finally {
    await cluster.stop()
  }
})

async function groupVersions(client: { request(method: 'GET', path: string): Promise<unknown> }): Promise<string[]> {
  const { groups } = (await client.request('GET', '/apis')) as { groups: { versions: { groupVersion: string }[] }[] }
  return groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => `apis/${groupVersion}`))
}

describe('the bootstrap policy is the published one', () => {
  it('role by role, for every verb, resource, name and path', () => {
    const verbs = unique([...everyRule.flatMap(({ verbs }) => verbs), 'bind', 'use', 'attest']).filter((verb) => verb !== '*')
    const names = ['', 'other', ...unique(everyRule.flatMap(({ names }) => names))]
    const paths = unique([...everyRule.flatMap(({ paths }) => paths).map((path) => path.replace('*', 'x')), '/', '/metrics/x', '/logs'])
    const questions: Question[] = [
      ...resources.flatMap((full) => {
        const [group = '', resource = '', ...rest] = full.split('/')
        const subresource = rest.join('/')
        return verbs.flatMap((verb) => names.map((name) => ({ verb, group, resource, subresource, name, path: undefined })))
      }),
      ...paths.flatMap((path) => ['get', 'post'].map((verb) => ({ verb, group: '', resource: '', subresource: '', name: '', path }))),
    ]
    const wrong: string[] = []
    for (const role of published.roles) {
      const [present, ...more] = stored.roles.filter(
        (each) => each.metadata.name === role.name && (each.metadata.namespace ?? '') === role.namespace,
      )
      assert.ok(present && more.length === 0, `role ${role.namespace}/${role.name} is there once`)
      const expected = compiled(publishedRules(role, published.roles))
      const actual = decided(present.rules ?? [])
      for (const question of questions)
        if (actual(question) !== expected(question))
          wrong.push(`${role.name}: ${actual(question) ? 'may' : 'may not'} ${JSON.stringify(question)}`)
    }
    assert.deepEqual(wrong.slice(0, 20), [])
    assert.ok(questions.length > 10_000 && published.roles.length > 70, 'there is something to ask')
  })

  it('binding by binding', () => {
    for (const binding of published.bindings) {
      const present = stored.bindings.find(
        (each) => each.metadata.name === binding.name && (each.metadata.namespace ?? '') === binding.namespace,
      )
      assert.ok(present, `binding ${binding.namespace}/${binding.name}`)
      assert.equal(present.roleRef.name, binding.role)
      assert.equal(present.roleRef.kind, binding.namespace ? 'Role' : 'ClusterRole')
      assert.deepEqual((present.subjects ?? []).map(described).sort(), [...binding.subjects].sort(), binding.name)
    }
  })

  it('with marks, and with aggregation', () => {
    for (const object of [...stored.roles, ...stored.bindings]) {
      assert.equal(object.metadata.labels?.['kubernetes.io/bootstrapping'], 'rbac-defaults', object.metadata.name)
      assert.equal(object.metadata.annotations?.['rbac.authorization.kubernetes.io/autoupdate'], 'true', object.metadata.name)
    }
    const label = (name: string) => `rbac.authorization.k8s.io/aggregate-to-${name}`
    for (const { name, sumOf, partOf } of published.roles) {
      const role = stored.roles.find(({ metadata }) => metadata.name === name)
      const parts = Object.keys(role?.metadata.labels ?? {}).filter((key) => key.includes('aggregate-to'))
      assert.deepEqual(parts, partOf ? [label(partOf)] : [], name)
      const rule = sumOf ? { clusterRoleSelectors: [{ matchLabels: { [label(sumOf)]: 'true' } }] } : undefined
      assert.deepEqual(role && 'aggregationRule' in role ? role.aggregationRule : undefined, rule, name)
    }
  })

  it('and what is more is listed, each with its reason, under a name of ours', () => {
    const key = ({ metadata: { namespace, name } }: ClusterRole | Role | ClusterRoleBinding | RoleBinding) => `${namespace ?? ''}/${name}`
    const listed = (all: readonly { name: string; namespace?: string }[]) => all.map(({ name, namespace = '' }) => `${namespace}/${name}`)
    const more = (present: readonly Parameters<typeof key>[0][], known: readonly { name: string; namespace: string }[]) =>
      present
        .map(key)
        .filter((each) => !listed(known).includes(each))
        .sort()
    const ownRoles = ownPolicy.filter(({ grants }) => typeof grants !== 'string')
    assert.deepEqual(more(stored.roles, published.roles), [...listed(ownRoles), ...listed([metricsReader])].sort())
    assert.deepEqual(more(stored.bindings, published.bindings), listed(ownPolicy).sort())
    for (const { name, reason, subjects } of ownPolicy) {
      assert.match(name, /^coxswain:/)
      assert.ok(reason.length > 40 && subjects.length > 0, name)
    }
  })

  it('and every controller has an account that it knows', async () => {
    const known = new Set(published.roles.map(({ name }) => name))
    const definitions = await loadControllers()
    const withoutOne = definitions.filter((definition) => accountOf(definition) === undefined)
    assert.deepEqual(
      withoutOne.map(({ name }) => name),
      ['serviceaccount-token'],
      'of which upstream publishes no role: it acts as the controller manager',
    )
    for (const definition of definitions.filter((each) => !withoutOne.includes(each)))
      assert.ok(known.has(`system:controller:${accountOf(definition)}`), definition.name)
  })
})

/** Upstream's reading of a rule, written a second time so that the two can differ. */
function compiled(rules: readonly PublishedRule[]): (question: Question) => boolean {
  const covers = (list: readonly string[], value: string) => list.includes('*') || list.includes(value)
  return ({ verb, group, resource, subresource, name, path }) =>
    rules.some((rule) => {
      if (!covers(rule.verbs, verb)) return false
      if (path !== undefined) return rule.paths.some((each) => each === path || (each.endsWith('*') && path.startsWith(each.slice(0, -1))))
      const full = subresource === '' ? resource : `${resource}/${subresource}`
      const isNamed = rule.names.length === 0 || rule.names.includes(name)
      return covers(rule.groups, group) && (covers(rule.resources, full) || rule.resources.includes(`*/${subresource}`)) && isNamed
    })
}

function decided(rules: readonly PolicyRule[]): (question: Question) => boolean {
  const user = { name: 'someone', groups: [] }
  return (question) => rules.some((rule) => ruleAllows(rule, { ...question, user, version: 'v1', namespace: '' }))
}

function described({ kind, name, namespace }: Subject): string {
  if (kind !== 'ServiceAccount') return `${kind.toLowerCase()}:${name}`
  assert.equal(namespace, 'kube-system')
  return `account:${name}`
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)]
}
