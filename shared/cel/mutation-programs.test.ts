import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Mutation } from '../openapi/generated/admissionregistration-v1.ts'
import { jsonValue } from './json-value.ts'
import { mutationExpressions, mutationPrograms } from './mutation-programs.ts'
import { CelError, type Value } from './value.ts'
import { writtenJson } from './written-json.ts'

const applying = (expression: string): Mutation => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })
const patching = (expression: string): Mutation => ({ patchType: 'JSONPatch', jsonPatch: { expression } })

/** What is wrong with a mutation as it is written; undefined: nothing. */
function problemsOf(mutation: Mutation): string | undefined {
  const [{ compiled } = assert.fail()] = mutationPrograms({ mutations: [mutation] }).mutations
  return 'problems' in compiled ? compiled.problems : undefined
}

const variables = new Map<string, Value>([
  ['object', jsonValue({ spec: { replicas: 2, names: ['a'] }, metadata: { labels: { 'a/b': 'c' } } })],
  ['oldObject', null],
])

/** What a mutation answers, as JSON; the sentence where it answers none. */
function answerOf(mutation: Mutation): unknown {
  const [{ compiled } = assert.fail()] = mutationPrograms({ mutations: [mutation] }).mutations
  if ('problems' in compiled) throw new Error(compiled.problems)
  const { value } = compiled.evaluate(variables)
  const written = value instanceof CelError ? value : writtenJson(value)
  return written instanceof CelError ? written.message : written.json
}

describe('a mutation', () => {
  it('answers just what its patch type wants', () => {
    for (const [mutation, problem] of [
      [applying("'text'"), /^must evaluate to Object but got string$/],
      [applying('Object.spec{}'), /^must evaluate to Object but got Object\.spec$/],
      [applying('object'), /^must evaluate to Object but got dyn$/],
      [applying("[JSONPatch{op: 'remove', path: '/a'}]"), /^must evaluate to Object but got list\(JSONPatch\)$/],
      [patching('Object{}'), /^must evaluate to list\(JSONPatch\) but got Object$/],
      [patching('[]'), /^must evaluate to list\(JSONPatch\) but got list\(dyn\)$/],
      [patching("JSONPatch{op: 'remove'}"), /^must evaluate to list\(JSONPatch\) but got JSONPatch$/],
      [patching("[JSONPatch{op: 1, path: '/a'}]"), /expected type of field 'op' is 'string' but provided type is 'int'/],
      [patching("[JSONPatch{opp: 'add'}]"), /undefined field 'opp'/],
      [patching("[JSONPatch{op: 'add'}, Object{}]"), /expected type 'JSONPatch' but found 'Object'/],
      [applying('Thing{}'), /undeclared reference to 'Thing'/],
      [applying('Objects{}'), /undeclared reference to 'Objects'/],
      [applying('Object{spec: params.x}'), /undeclared reference to 'params'/],
      [applying('Object{spec: Object.spec{replicas: }}'), /Syntax error/],
      [applying('object.spec.replicas > 1 ? Object{} : Object{spec: Object.spec{replicas: 3}}'), undefined],
      [patching("object.spec.replicas > 1 ? [] : [JSONPatch{op: 'remove', path: '/a'}]"), undefined],
      [patching("object.spec.names.map(n, JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey(n), value: 1})"), undefined],
    ] as const) {
      const told = problemsOf(mutation)
      if (problem === undefined) assert.equal(told, undefined)
      else assert.match(String(told), problem)
    }
  })

  it('makes objects only where it may: variables and match conditions know none', () => {
    const spec = {
      variables: [{ name: 'made', expression: 'Object{}' }],
      matchConditions: [{ name: 'made', expression: "jsonpatch.escapeKey('a') == 'a'" }],
      mutations: [applying('Object{spec: variables.made}')],
    }
    const told = mutationExpressions(mutationPrograms(spec)).map(({ compiled }) => ('problems' in compiled ? compiled.problems : ''))
    assert.match(String(told[0]), /undeclared reference to 'escapeKey'/)
    assert.match(String(told[1]), /undeclared reference to 'Object'/)
    assert.equal(told[2], '')
  })

  it('answers JSON: optional fields that are empty are left out, what is none is told', () => {
    for (const [mutation, json] of [
      [applying('Object{spec: Object.spec{replicas: object.spec.replicas + 1}}'), { spec: { replicas: 3 } }],
      [
        applying('Object{spec: Object.spec{?a: optional.none(), ?b: object.?spec.replicas, c: optional.none()}}'),
        { spec: { b: 2, c: null } },
      ],
      [applying('Object{?spec: optional.ofNonZeroValue(Object.spec{?a: optional.none()})}'), {}],
      [
        applying("Object{spec: Object.spec{list: object.spec.names + ['b'], map: {'__proto__': 1.5}}}"),
        { spec: { list: ['a', 'b'], map: JSON.parse('{"__proto__": 1.5}') } },
      ],
      [
        applying("Object{spec: Object.spec{items: [Object.spec.items{at: timestamp('2026-01-01T00:00:00Z'), bytes: b'a'}]}}"),
        { spec: { items: [{ at: '2026-01-01T00:00:00Z', bytes: 'YQ==' }] } },
      ],
      [
        applying('Object{spec: Object.specs{replicas: 1}}'),
        'type mismatch: unexpected type name "Object.specs", expected "Object.spec", which matches field name path from root Object type',
      ],
      [applying('Object{spec: {1: 2}}'), 'a map with keys of type int cannot be written as JSON'],
      [applying('Object{spec: 9007199254740993}'), 'the integer 9007199254740993 cannot be written as JSON exactly'],
      [applying("Object{spec: quantity('1')}"), 'a value of type kubernetes.Quantity cannot be written as JSON'],
      [applying('Object{spec: 1.0 / 0.0}'), 'Infinity cannot be written as JSON'],
      [applying('Object{spec: object.nope}'), 'no such key: nope'],
      [
        patching(
          "[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('k8s.io/x~y'), value: Object.spec.containers{name: 'x', ports: [Object.spec.containers.ports{p: 1}]}}]",
        ),
        [{ op: 'add', path: '/a/k8s.io~1x~0y', value: { name: 'x', ports: [{ p: 1 }] } }],
      ],
      [
        patching("[JSONPatch{op: 'add', path: '/a', value: Object.spec{a: Object.spec.b{}}}]"),
        'type mismatch: unexpected type name "Object.spec.b", expected "Object.spec.a", which matches field name path from root Object type',
      ],
      [
        patching(
          "[JSONPatch{op: 'add', path: '/metadata/labels', value: {'same': string(JSONPatch{op: 'a', value: 1} == JSONPatch{op: 'a', value: 1}), 'set': string(has(JSONPatch{}.op)), 'op': JSONPatch{op: 'x'}.op}}]",
        ),
        [{ op: 'add', path: '/metadata/labels', value: { same: 'true', set: 'false', op: 'x' } }],
      ],
    ] as const) {
      assert.deepEqual(answerOf(mutation), json)
    }
  })

  it('is no larger and no deeper than a request may be', () => {
    const text = "lists.range(2000).map(n, 'x').join('')"
    assert.match(String(answerOf(applying(`Object{spec: lists.range(2000).map(n, ${text})}`))), /more than 3145728 characters|cost limit/)
    assert.match(
      String(answerOf(applying(`cel.bind(a, ${text}, Object{spec: lists.range(2000).map(n, a)})`))),
      /^a value may not have more than 3145728 characters as JSON$/,
    )
    const nested = Array.from({ length: 18 }, (_, n) => `cel.bind(v${n + 1}, [[[[[[[[[[[[[[v${n}]]]]]]]]]]]]]], `).join('')
    assert.equal(
      answerOf(applying(`cel.bind(v0, 1, ${nested}Object{spec: v18}${')'.repeat(19)}`)),
      'a value may not be nested deeper than 250',
    )
  })
})
