import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyTypeWarnings } from './policy-type-warnings.ts'

const about = (resources: string[], apiGroups = ['apps']) => ({
  matchConstraints: { resourceRules: [{ apiGroups, apiVersions: ['v1'], resources, operations: ['*'] }] },
})

test('expressions that fit the kinds they are about raise no warning', () => {
  const validations = [
    { expression: 'object.spec.replicas <= 5 && object.spec.template.spec.containers.all(c, c.image != "")' },
    { expression: "!has(object.metadata.labels) || object.metadata.labels['a'] == 'b'" },
    { expression: "timestamp(object.metadata.creationTimestamp) > timestamp('2020-01-01T00:00:00Z')" },
  ]
  assert.deepEqual(policyTypeWarnings({ ...about(['deployments', 'statefulsets']), validations }), [])
})

test('what does not fit is told with the kind, the place and the field', () => {
  const variables = [{ name: 'ports', expression: 'object.spec.ports' }]
  const validations = [
    { expression: 'object.spec.replicas > "1"' },
    { expression: 'object.metadata.nope == 1', messageExpression: 'string(object.x)' },
  ]
  const warnings = policyTypeWarnings({ ...about(['deployments']), variables, validations })
  assert.deepEqual(
    warnings.map(({ fieldRef }) => fieldRef),
    [
      'spec.variables[0].expression',
      'spec.validations[0].expression',
      'spec.validations[1].expression',
      'spec.validations[1].messageExpression',
    ],
  )
  assert.equal(
    warnings[1]?.warning,
    "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n" +
      ' | object.spec.replicas > "1"\n | .....................^',
  )
})

test('kinds that are named by a star, or unknown here, are not looked at', () => {
  const validations = [{ expression: 'object.nope == 1' }]
  assert.deepEqual(policyTypeWarnings({ ...about(['*']), validations }), [])
  assert.deepEqual(policyTypeWarnings({ ...about(['things'], ['example.com']), validations }), [])
  assert.equal(policyTypeWarnings({ ...about(['pods', 'services'], ['']), validations })[0]?.warning.split('\n').length, 6)
})

test('rules whose lists multiply are looked at no further than their bound', () => {
  const groups = Array.from({ length: 1_500 }, (_, index) => `g${index}.example.com`)
  let asked = 0
  const apiVersions = new Proxy(groups, {
    get(target, name, receiver) {
      if (typeof name === 'string' && /^\d+$/.test(name)) asked++
      return Reflect.get(target, name, receiver)
    },
  })
  const matchConstraints = { resourceRules: [{ apiGroups: groups, apiVersions, resources: ['things'], operations: ['*'] }] }
  assert.deepEqual(policyTypeWarnings({ matchConstraints, validations: [{ expression: 'object.nope == 1' }] }), [])
  assert.ok(asked <= 1_001, `looked at ${asked} combinations`)
})
