import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { pathMatches } from './policy-rule.ts'
import { notCovered } from './rule-coverage.ts'

/** The definition, word by word: every verb on every thing must be in one held rule. */
function coversSingle(rule: PolicyRule, single: PolicyRule): boolean {
  const has = (list: readonly string[] | undefined, word: string) => !!list && (list.includes('*') || list.includes(word))
  if (!has(rule.verbs, single.verbs[0]!)) return false
  const path = single.nonResourceURLs?.[0]
  if (path !== undefined) return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, path))
  const resource = single.resources![0]!
  const sub = resource.split('/')[1]
  const name = single.resourceNames?.[0]
  return (
    has(rule.apiGroups, single.apiGroups![0]!) &&
    (has(rule.resources, resource) || (sub !== undefined && !!rule.resources?.includes(`*/${sub}`))) &&
    (!rule.resourceNames?.length || (name !== undefined && rule.resourceNames.includes(name)))
  )
}

function singlesOf(rule: PolicyRule): PolicyRule[] {
  const names = rule.resourceNames?.length ? rule.resourceNames.map((name) => ({ resourceNames: [name] })) : [{}]
  return rule.verbs.flatMap((verb) => [
    ...(rule.apiGroups ?? []).flatMap((group) =>
      (rule.resources ?? []).flatMap((resource) =>
        names.map((name) => ({ verbs: [verb], apiGroups: [group], resources: [resource], ...name })),
      ),
    ),
    ...(rule.nonResourceURLs ?? []).map((path) => ({ verbs: [verb], nonResourceURLs: [path] })),
  ])
}

test('the same parts are missing as when every single right is looked at', () => {
  const random = seededRandom(7)
  const some = (words: readonly string[]) => [...new Set(words.filter(() => random.fraction() < 0.4))]
  const rule = (): PolicyRule =>
    random.fraction() < 0.2
      ? { verbs: some(['get', 'put', '*']), nonResourceURLs: some(['/a', '/a/b', '/a/*', '*', '/c*']) }
      : {
          verbs: some(['get', 'list', 'watch', '*']),
          apiGroups: some(['', 'apps', '*']),
          resources: some(['pods', 'pods/log', '*/log', 'secrets', '*']),
          ...(random.fraction() < 0.4 ? { resourceNames: some(['a', 'b', 'c']) } : {}),
        }
  const rules = () => Array.from({ length: 1 + Math.floor(random.fraction() * 4) }, rule)
  const texts = (parts: PolicyRule[]) => parts.map((part) => JSON.stringify(part)).sort()
  let covered = 0
  for (let round = 0; round < 2000; round++) {
    const [held, wanted] = [rules(), rules()]
    const expected = wanted.flatMap(singlesOf).filter((single) => !held.some((each) => coversSingle(each, single)))
    if (expected.length === 0) covered++
    assert.deepEqual(texts(notCovered(held, wanted)), texts(expected), JSON.stringify({ held, wanted }))
  }
  assert.ok(covered > 50, `only ${covered} rounds were covered`)
})

test('lists that multiply are compared without multiplying them', () => {
  const list = (word: string) => Array.from({ length: 3000 }, (_, index) => `${word}${index}`)
  const wanted: PolicyRule = { verbs: list('v'), apiGroups: list('g'), resources: list('r'), resourceNames: list('n') }
  assert.deepEqual(notCovered([{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], [wanted]), [])
  assert.deepEqual(notCovered([wanted], [wanted]), [])
  assert.equal(notCovered([{ verbs: ['*'], apiGroups: ['*'], resources: ['r1'] }], [wanted], 100).length, 100)
})
