import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes } from './authorizer.ts'
import { PolicyIndex } from './policy-index.ts'
import { rbacAuthorizer } from './rbac.ts'
import { questionKey, VerdictCache } from './verdict-cache.ts'

const API = 'rbac.authorization.k8s.io/v1'
const question = (changes: Partial<AccessAttributes>): AccessAttributes => ({
  ...{ user: { name: 'jane', groups: [] }, verb: 'get', group: '', version: 'v1', resource: '', subresource: '', namespace: '', name: '' },
  ...changes,
})

/** Few words, so that policies and questions meet, and all the signs that a key could be joined by. */
const words = ['', 'get', 'secrets', 'pods', 'kube-system', 'default', 'apps', '*', '/', ' ', ':', ',', '|', '\u0000', '1', 'p', 'r']

const below = (random: Random, limit: number) => Math.floor(random.fraction() * limit)

function wordsOf(random: Random) {
  const word = () => words[below(random, words.length)]!
  const text = () => Array.from({ length: 1 + below(random, 3) }, word).join('')
  return { word, text, some: <T>(make: () => T) => Array.from({ length: 1 + below(random, 2) }, make) }
}

/** The same words as a resource and as paths that read like it. */
function questionsOf(random: Random, user: User): AccessAttributes[] {
  const { word, text } = wordsOf(random)
  const [verb, group, resource, subresource, namespace] = [word(), word(), word(), word(), word()]
  const about = question({ user, verb, group, resource, subresource, namespace, name: word() })
  const joined = [`/${resource}/${subresource}/${namespace}`, `${group}/${resource}/${subresource}/${namespace}`, text()]
  return [about, ...joined.map((path) => question({ user, verb, path }))]
}

function ruleOf(random: Random): PolicyRule {
  const { word, text, some } = wordsOf(random)
  const wide = () => (below(random, 2) === 0 ? '*' : word())
  if (below(random, 3) === 0) return { verbs: some(wide), nonResourceURLs: some(() => (below(random, 2) === 0 ? '*' : text())) }
  const names = below(random, 3) === 0 ? { resourceNames: some(word) } : {}
  return { verbs: some(wide), apiGroups: some(wide), resources: some(() => (below(random, 2) === 0 ? '*' : text())), ...names }
}

describe('remembered verdicts', () => {
  it('are those of an authoriser that remembers nothing, whatever the policy and the question', () => {
    const random = seededRandom(20_261_128)
    const users: User[] = ['jane', 'joe'].map((name) => ({ name, groups: ['dev'] }))
    let allowed = 0
    for (let policy = 0; policy < 80; policy++) {
      const reader = new TestReader()
      const index = new PolicyIndex()
      index.follow(reader)
      const remembering = rbacAuthorizer(index)
      for (let step = 0; step < 4; step++) {
        const name = `role-${below(random, 3)}`
        const subject = { kind: 'User', name: users[below(random, 2)]!.name }
        if (below(random, 2) === 0) {
          reader.put(API, 'ClusterRole', { metadata: { name }, rules: [ruleOf(random), ruleOf(random)] })
          const roleRef = { apiGroup: '', kind: 'ClusterRole', name }
          reader.put(API, 'ClusterRoleBinding', { metadata: { name }, roleRef, subjects: [subject] })
        } else {
          const namespace = words[below(random, words.length)] || 'default'
          reader.put(API, 'Role', { metadata: { namespace, name }, rules: [ruleOf(random)] })
          reader.put(API, 'RoleBinding', {
            metadata: { namespace, name },
            roleRef: { apiGroup: '', kind: 'Role', name },
            subjects: [subject],
          })
        }
        const questions = Array.from({ length: 12 }, () => questionsOf(random, users[below(random, 2)]!)).flat()
        for (const asked of [...questions, ...questions]) {
          const expected = rbacAuthorizer(index).authorize(asked)
          assert.deepEqual(remembering.authorize(asked), expected, JSON.stringify({ ...asked, step, policy }))
          if (expected.decision === 'allow') allowed++
        }
      }
    }
    assert.ok(allowed > 500, `only ${allowed} questions were allowed: the policies and questions hardly meet`)
  })

  it('of a path are not those of a resource: who may every path reads no Secret', () => {
    const reader = new TestReader()
    reader.put(API, 'ClusterRole', { metadata: { name: 'paths' }, rules: [{ verbs: ['get'], nonResourceURLs: ['*'] }] })
    const roleRef = { apiGroup: '', kind: 'ClusterRole', name: 'paths' }
    reader.put(API, 'ClusterRoleBinding', { metadata: { name: 'paths' }, roleRef, subjects: [{ kind: 'User', name: 'jane' }] })
    const index = new PolicyIndex()
    index.follow(reader)
    const rbac = rbacAuthorizer(index)
    const user = { name: 'jane', groups: [] }
    assert.equal(rbac.authorize(question({ user, path: '/secrets//kube-system' })).decision, 'allow')
    assert.equal(rbac.authorize(question({ user, resource: 'secrets', namespace: 'kube-system' })).decision, 'noOpinion')
  })

  it('have one key only for one question', () => {
    const random = seededRandom(7)
    const seen = new Map<string, string>()
    for (const asked of Array.from({ length: 5_000 }, () => questionsOf(random, { name: 'jane', groups: [] })).flat()) {
      const { verb, group, resource, subresource, namespace, path } = asked
      const parts = JSON.stringify(path === undefined ? [verb, group, resource, subresource, namespace] : [verb, path])
      const key = questionKey(asked)
      assert.equal(seen.get(key) ?? parts, parts, key)
      seen.set(key, parts)
    }
    assert.ok(seen.size > 5_000)
  })

  it('take a bounded number of bytes, whoever asks and however long', () => {
    const cache = new VerdictCache<string>()
    const user = { name: 'jane', groups: [] }
    const limit = 8 * 1024 * 1024
    const ask = (namespace: string, weight: number) =>
      cache.recall(
        question({ user, namespace }),
        1,
        () => 'no',
        () => weight,
      )
    for (let n = 0; n < 60_000; n++) ask(`namespace-${n}`, 0)
    assert.ok(cache.bytes <= limit && cache.bytes > limit / 2)
    for (let n = 0; n < 100; n++) ask(`${n}`.repeat(100_000), 0)
    for (let n = 0; n < 100; n++) ask(`heavy-${n}`, limit / 10)
    assert.ok(cache.bytes <= limit)
    cache.recall(
      question({ user }),
      2,
      () => 'no',
      () => 0,
    )
    assert.ok(cache.bytes < 1_000, 'a new policy forgets the old verdicts')
  })
})
