import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jsonValue } from '../../../shared/cel/json-value.ts'
import { mutationPrograms } from '../../../shared/cel/mutation-programs.ts'
import { CelError } from '../../../shared/cel/value.ts'
import { schemaOf } from '../../../shared/openapi/kinds.ts'
import type { JsonObject } from '../../patch/json-value.ts'
import { applyConfiguration } from './apply-configuration.ts'
import { applyOperations } from './apply-operations.ts'

const schema = schemaOf('apps/v1', 'Deployment') ?? assert.fail()
const containers = [
  { name: 'a', image: 'a:1', env: [{ name: 'X', value: '1' }] },
  { name: 'b', image: 'b:1' },
]
const deployment = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', labels: { app: 'web' } } },
  spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: { spec: { containers } } },
}

/** The Deployment after a mutation; the sentence where there is none. */
function after(patchType: 'ApplyConfiguration' | 'JSONPatch', expression: string, object: JsonObject = deployment): unknown {
  const patch = { expression }
  const mutation = patchType === 'JSONPatch' ? { patchType, jsonPatch: patch } : { patchType, applyConfiguration: patch }
  const [{ compiled } = assert.fail()] = mutationPrograms({ mutations: [mutation] }).mutations
  if ('problems' in compiled) throw new Error(compiled.problems)
  const { value } = compiled.evaluate(new Map([['object', jsonValue(object)]]))
  const made = patchType === 'JSONPatch' ? applyOperations(value, object) : applyConfiguration(value, object, schema)
  return made instanceof CelError ? made.message : made.json
}
const applied = (expression: string, object?: JsonObject) => after('ApplyConfiguration', expression, object)
const patched = (expression: string, object?: JsonObject) => after('JSONPatch', expression, object)
const inPod = (fields: string) => `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{${fields}}}}}`
const withSpec = (spec: object) => ({ ...deployment, spec: { ...deployment.spec, ...spec } })
const withPod = (spec: object) => withSpec({ template: { spec } })

describe('a configuration that a policy applies', () => {
  it('is merged by the schema: items by their keys, maps by theirs, and what it does not say stays', () => {
    assert.deepEqual(applied("Object{metadata: Object.metadata{labels: {'tier': 'front'}}}"), {
      ...deployment,
      metadata: { name: 'web', labels: { app: 'web', tier: 'front' } },
    })
    const item = "Object.spec.template.spec.containers{name: 'b', env: [Object.spec.template.spec.containers.env{name: 'Y', value: '2'}]}"
    assert.deepEqual(
      applied(inPod(`containers: [${item}]`)),
      withPod({ containers: [containers[0], { name: 'b', image: 'b:1', env: [{ name: 'Y', value: '2' }] }] }),
    )
    assert.deepEqual(
      applied(inPod("volumes: [Object.spec.template.spec.volumes{name: 'v'}]")),
      withPod({ containers, volumes: [{ name: 'v' }] }),
    )
    assert.deepEqual(
      applied('Object{spec: Object.spec{replicas: object.spec.replicas % 2 == 0 ? object.spec.replicas + 1 : object.spec.replicas}}'),
      withSpec({ replicas: 3 }),
    )
  })

  it('leaves out optional fields that are empty, and takes away scalars that are null', () => {
    assert.deepEqual(applied('Object{spec: Object.spec{?replicas: optional.none()}}'), deployment)
    assert.deepEqual(applied('Object{spec: Object.spec{replicas: null}}'), withSpec({ replicas: null }))
    assert.deepEqual(applied('Object{spec: Object.spec{replicas: optional.none()}}'), withSpec({ replicas: null }))
    assert.deepEqual(applied('Object{spec: Object.spec{template: null}}'), deployment, 'nothing below it is spoken of')
  })

  it('says which kind it is no more than the object does', () => {
    assert.deepEqual(applied("Object{kind: 'Pod', apiVersion: 'v1'}"), deployment)
  })

  it('does not touch what is owned as a whole', () => {
    for (const [expression, places] of [
      ["Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {'l': 'v'}}}}", '.spec.selector'],
      [
        inPod("containers: [Object.spec.template.spec.containers{name: 'a', args: ['x'], command: ['y']}]"),
        '.spec.template.spec.containers[0].args, .spec.template.spec.containers[0].command',
      ],
      [inPod('tolerations: [Object.spec.template.spec.tolerations{}]'), '.spec.template.spec.tolerations'],
    ] as const) {
      assert.equal(
        applied(expression),
        `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${places}`,
      )
    }
  })

  it('fits the schema of the kind that it meets', () => {
    const head = 'error applying patch: failed to convert patch object to typed object: '
    assert.equal(applied('Object{spec: Object.spec{replicasx: 1}}'), `${head}.spec.replicasx: field not declared in schema`)
    assert.equal(applied("Object{spec: Object.spec{replicas: 'x'}}"), `${head}.spec.replicas: expected numeric (int or float), got string`)
    assert.equal(
      applied("Object{spec: Object.spec{replicas: 'x', template: 1}}"),
      `${head}errors:\n  .spec.replicas: expected numeric (int or float), got string\n  .spec.template: expected map, got number`,
    )
    assert.equal(
      applied(inPod("containers: [Object.spec.template.spec.containers{image: 'x'}]")),
      `${head}.spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn't have default value)`,
    )
    assert.equal(
      applied('Object{spec: Object.specx{}}'),
      'type mismatch: unexpected type name "Object.specx", expected "Object.spec", which matches field name path from root Object type',
    )
  })
})

describe('operations that a policy makes', () => {
  it('are carried out one after the other', () => {
    const operations = [
      "JSONPatch{op: 'test', path: '/spec/replicas', value: 2}",
      "JSONPatch{op: 'replace', path: '/spec/replicas', value: 3}",
      "JSONPatch{op: 'add', path: '/spec/template/spec/containers/-', value: Object.spec.template.spec.containers{name: 'c'}}",
      "JSONPatch{op: 'remove', path: '/spec/template/spec/containers/0'}",
    ]
    assert.deepEqual(
      patched(`[${operations.join()}]`),
      withSpec({ replicas: 3, template: { spec: { containers: [containers[1], { name: 'c' }] } } }),
    )
  })

  it('change nothing where a test fails, and are told where they do not apply', () => {
    assert.equal(
      patched("[JSONPatch{op: 'replace', path: '/spec/replicas', value: 3}, JSONPatch{op: 'test', path: '/spec/replicas', value: 100}]"),
      deployment,
    )
    for (const [operation, why] of [
      [
        "op: 'replace', path: '/spec/template/spec/containers/-', value: {'name': 'x'}",
        'replace operation does not apply: doc is missing key: /spec/template/spec/containers/-: missing value',
      ],
      ["op: 'add', path: '/spec/nope/x', value: 1", 'add operation does not apply: doc is missing path: "/spec/nope/x": missing value'],
      ["op: 'remove', path: '/spec/nope'", "error in remove for path: '/spec/nope': Unable to remove nonexistent key: nope: missing value"],
      ["op: 'sing', path: '/spec'", 'error decoding patch: unexpected kind: "sing"'],
      ["op: 'add'", 'error decoding patch: operation add lacks a path'],
    ] as const) {
      assert.equal(patched(`[JSONPatch{${operation}}]`), `JSON Patch: ${why}`)
    }
    assert.match(
      String(patched("lists.range(10001).map(n, JSONPatch{op: 'test', path: '/kind', value: 'Deployment'})")),
      /^JSON Patch: The allowed maximum operations in a JSON patch is 10000, got 10001$/,
    )
  })
})
