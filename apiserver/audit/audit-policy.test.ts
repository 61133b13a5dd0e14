import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { User } from '../authn/user.ts'
import { requestInfo } from '../http/request-info.ts'
import { type AuditRule, AuditRules } from './audit-policy.ts'

const jane: User = { name: 'jane', groups: ['people', 'system:authenticated'] }
const pods = '/api/v1/namespaces/default/pods'

interface Case {
  readonly what: string
  readonly rule: Omit<AuditRule, 'level'>
  readonly yes: readonly (readonly [method: string, url: string])[]
  readonly no?: readonly (readonly [method: string, url: string])[]
}

const ofCore = (resources: string[], resourceNames?: string[]) => ({
  resources: [{ group: '', resources, ...(resourceNames ? { resourceNames } : {}) }],
})

const cases: readonly Case[] = [
  {
    what: 'nothing asked',
    rule: {},
    yes: [
      ['GET', pods],
      ['GET', '/healthz'],
      ['POST', '/x'],
    ],
  },
  { what: 'a user', rule: { users: ['bob', 'jane'] }, yes: [['GET', pods]] },
  { what: 'another user', rule: { users: ['bob'] }, yes: [], no: [['GET', pods]] },
  { what: 'a group', rule: { userGroups: ['people'] }, yes: [['GET', '/version']] },
  { what: 'another group', rule: { userGroups: ['animals'] }, yes: [], no: [['GET', '/version']] },
  {
    what: 'verbs',
    rule: { verbs: ['watch', 'delete'] },
    yes: [
      ['GET', `${pods}?watch=true`],
      ['DELETE', `${pods}/a`],
    ],
    no: [
      ['GET', pods],
      ['DELETE', pods],
    ],
  },
  { what: 'the verb of a path', rule: { verbs: ['post'] }, yes: [['POST', '/version']], no: [['POST', pods]] },
  {
    what: 'a namespace',
    rule: { namespaces: ['default'] },
    yes: [
      ['GET', pods],
      ['GET', '/api/v1/namespaces/default'],
    ],
    no: [
      ['GET', '/api/v1/namespaces/x/pods'],
      ['GET', '/api/v1/pods'],
      ['GET', '/healthz'],
    ],
  },
  {
    what: 'no namespace',
    rule: { namespaces: [''] },
    yes: [
      ['GET', '/api/v1/nodes/a'],
      ['GET', '/api/v1/pods'],
    ],
    no: [
      ['GET', pods],
      ['GET', '/healthz'],
    ],
  },
  {
    what: 'a group of resources',
    rule: { resources: [{ group: 'apps' }] },
    yes: [
      ['GET', '/apis/apps/v1/deployments'],
      ['GET', '/apis/apps/v1/namespaces/a/deployments/b/scale'],
    ],
    no: [
      ['GET', pods],
      ['GET', '/apis/apps'],
      ['GET', '/healthz'],
    ],
  },
  { what: 'the core group', rule: { resources: [{ group: '' }] }, yes: [['GET', pods]], no: [['GET', '/apis/apps/v1/deployments']] },
  {
    what: 'a resource without what is below',
    rule: ofCore(['pods']),
    yes: [
      ['GET', pods],
      ['PUT', `${pods}/a`],
    ],
    no: [
      ['GET', `${pods}/a/log`],
      ['PUT', `${pods}/a/status`],
      ['GET', '/api/v1/nodes'],
    ],
  },
  {
    what: 'a sub-resource',
    rule: ofCore(['pods/log', 'pods/status']),
    yes: [
      ['GET', `${pods}/a/log`],
      ['GET', `${pods}/a/status`],
    ],
    no: [
      ['GET', pods],
      ['GET', `${pods}/a/exec`],
    ],
  },
  {
    what: 'a resource and all below',
    rule: ofCore(['pods/*']),
    yes: [
      ['GET', pods],
      ['GET', `${pods}/a/log`],
    ],
    no: [['GET', '/api/v1/nodes']],
  },
  {
    what: 'a sub-resource of all',
    rule: { resources: [{ group: 'apps', resources: ['*/scale'] }] },
    yes: [['GET', '/apis/apps/v1/namespaces/a/deployments/b/scale']],
    no: [
      ['GET', '/apis/apps/v1/namespaces/a/deployments/b'],
      ['GET', '/apis/apps/v1/namespaces/a/deployments/b/status'],
      ['GET', '/api/v1/namespaces/a/replicationcontrollers/b/scale'],
    ],
  },
  {
    what: 'everything of a group',
    rule: ofCore(['*']),
    yes: [
      ['GET', pods],
      ['GET', `${pods}/a/log`],
    ],
  },
  {
    what: 'names',
    rule: ofCore(['configmaps'], ['a', 'b']),
    yes: [['GET', '/api/v1/namespaces/x/configmaps/b']],
    no: [
      ['GET', '/api/v1/namespaces/x/configmaps/c'],
      ['GET', '/api/v1/namespaces/x/configmaps'],
    ],
  },
  {
    what: 'one of several lists',
    rule: { resources: [{ group: 'apps' }, { group: '', resources: ['nodes'] }] },
    yes: [['GET', '/api/v1/nodes']],
    no: [['GET', pods]],
  },
  {
    what: 'a path',
    rule: { nonResourceURLs: ['/version'] },
    yes: [['GET', '/version']],
    no: [
      ['GET', '/version/x'],
      ['GET', pods],
    ],
  },
  {
    what: 'paths',
    rule: { nonResourceURLs: ['/healthz*', '/api/*'] },
    yes: [
      ['GET', '/healthz'],
      ['GET', '/healthz/ping'],
      ['GET', '/api/v1'],
    ],
    no: [
      ['GET', '/api'],
      ['GET', '/livez'],
      ['GET', '/api/v1/nodes'],
    ],
  },
  {
    what: 'all paths',
    rule: { nonResourceURLs: ['*'] },
    yes: [
      ['GET', '/'],
      ['GET', '/apis/apps/v1'],
    ],
    no: [['GET', pods]],
  },
  {
    what: 'everything at once',
    rule: { users: ['jane'], userGroups: ['people'], verbs: ['get'], namespaces: ['default'], ...ofCore(['pods'], ['a']) },
    yes: [['GET', `${pods}/a`]],
    no: [
      ['GET', `${pods}/b`],
      ['DELETE', `${pods}/a`],
    ],
  },
]

describe('a rule matches by', () => {
  for (const { what, rule, yes, no = [] } of cases) {
    it(what, () => {
      const rules = new AuditRules({ rules: [{ ...rule, level: 'Metadata' }] })
      const levelOf = ([method, url]: readonly [string, string]) => rules.decide(requestInfo(method, url), jane).level
      assert.deepEqual(
        yes.map(levelOf),
        yes.map(() => 'Metadata'),
      )
      assert.deepEqual(
        no.map(levelOf),
        no.map(() => 'None'),
      )
    })
  }
})

describe('a policy', () => {
  const asked = requestInfo('GET', pods)

  it('is its first rule that matches, and nothing where none does', () => {
    const rules = new AuditRules({
      rules: [{ level: 'Request', users: ['bob'] }, { level: 'None', verbs: ['list'] }, { level: 'RequestResponse' }],
    })
    assert.equal(rules.decide(asked, jane).level, 'None')
    assert.equal(rules.decide(asked, { ...jane, name: 'bob' }).level, 'Request')
    assert.equal(rules.decide(requestInfo('POST', pods), jane).level, 'RequestResponse')
    assert.equal(new AuditRules({ rules: [{ level: 'Request', users: ['bob'] }] }).decide(asked, jane).level, 'None')
  })

  it('knows nobody where authentication failed', () => {
    const rules = new AuditRules({
      rules: [{ level: 'Request', userGroups: ['people'] }, { level: 'Request', users: ['jane'] }, { level: 'Metadata' }],
    })
    assert.equal(rules.decide(asked, undefined).level, 'Metadata')
  })

  it('adds its stages to those of rules, and a rule has the last word of managed fields', () => {
    const rules = new AuditRules({
      ...{ omitStages: ['RequestReceived'], omitManagedFields: true },
      rules: [{ level: 'Request', users: ['jane'], omitStages: ['Panic'], omitManagedFields: false }, { level: 'Request' }],
    })
    const decided = rules.decide(asked, jane)
    assert.deepEqual([[...decided.omitStages], decided.omitManagedFields], [['RequestReceived', 'Panic'], false])
    const other = rules.decide(asked, { ...jane, name: 'bob' })
    assert.deepEqual([[...other.omitStages], other.omitManagedFields], [['RequestReceived'], true])
  })
})
