import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { SchemaNode } from '../../shared/openapi/schema.ts'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { configMap, deployment, pod, serviceAccount } from '../harness/bodies.ts'
import { CpuBudget } from '../harness/cpu-budget.ts'
import { servedKinds } from '../harness/served-kinds.ts'

/** Long enough for a square of it to show, short enough for all fields to have their turn. */
const BYTES = 100_000
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index))
const PODS = '/api/v1/namespaces/default/pods'

let api: TestApi
const budget = new CpuBudget()
before(async () => {
  api = await startApi()
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
  await api.request('POST', PODS, pod('there'))
  await api.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('there'))
  await api.request('POST', '/api/v1/namespaces/default/configmaps', configMap('there'))
})
after(async () => {
  console.log(budget.summary())
  await api.stop()
})

/** Sends, and holds the work against its size. Every answer is one that clients know. */
async function holds(
  what: string,
  method: string,
  path: string,
  body: string,
  type = 'application/json',
  { perMegabyte, makes = 0 }: { perMegabyte?: number; makes?: number } = {},
): Promise<Answer> {
  const send = () => api.request(method, path, body === '' ? undefined : body, body === '' ? {} : { 'content-type': type })
  const answer = await budget.measure(what, { bytes: Math.max(body.length + path.length, makes), body }, send, perMegabyte)
  assert.ok(answer.status < 500, `${what}: ${answer.status} ${answer.text.slice(0, 300)}`)
  assert.ok(answer.text.length < 4 * (body.length + path.length) + 2_000_000, `${what}: an answer of ${answer.text.length} characters`)
  return answer
}

/** What strangers may write where the schema has this node, as JSON text. */
function* hostileValues(node: SchemaNode): Generator<[string, string]> {
  const text = (piece: string) => JSON.stringify(piece.repeat(BYTES / piece.length))
  const list = (item: (index: number) => string, length: number) => `[${times(Math.floor(BYTES / length), item).join(',')}]`
  if (node.scalar === 'quantity') {
    yield ['digits', text('9')]
    yield ['a long number', '9'.repeat(BYTES)]
    return yield ['a long fraction', `"0.${'0'.repeat(BYTES)}1"`]
  }
  switch (node.type) {
    case 'array': {
      const inner = node.items!
      if (inner.type === 'object' || inner.type === 'any' || inner.type === 'map') {
        yield ['many empty items', list(() => '{}', 3)]
        yield [
          'many named items',
          list((index) => `{"name":"n${index}","key":"n${index}","containerPort":${index + 1},"uid":"u","type":"t${index}"}`, 70),
        ]
        yield ['many equal items', list(() => '{"name":"n","key":"n","mountPath":"/n","type":"t"}', 52)]
      } else {
        yield ['many texts', list((index) => `"t${index}"`, 9)]
        yield ['many equal texts', list(() => '"t"', 4)]
      }
      return
    }
    case 'map':
    case 'any':
    case 'object':
      yield ['many keys', `{${times(Math.floor(BYTES / 16), (index) => `"k${index}":"v"`).join(',')}}`]
      yield ['a long key', `{${text('k')}:{"a":"b","a":"c"}}`]
      return yield ['depth', `${'{"a":'.repeat(240)}${text('x')}${'}'.repeat(240)}`]
    case 'string':
      yield ['dashes', text('-')]
      return yield ['dots', text('a.')]
    default:
      yield ['digits', '9'.repeat(BYTES)]
  }
}

/** Every field of the schema, each struct's once, as the JSON text around a value at its place. */
function* fieldsOf(
  node: SchemaNode,
  seen: Set<string>,
  path: string,
  wrap: (value: string) => string,
): Generator<[string, SchemaNode, (value: string) => string]> {
  const struct = node.ref ?? path
  for (const [name, field] of node.fields) {
    const place = `${struct.slice(struct.lastIndexOf('.') + 1)}.${name}`
    if (seen.has(place)) continue
    seen.add(place)
    const inside = (value: string) => wrap(`{${JSON.stringify(name)}:${value}}`)
    yield [`${path}.${name}`, field, inside]
    const items = field.type === 'array' ? field.items! : field.type === 'map' ? field.values! : field
    const around =
      field.type === 'array'
        ? (value: string) => inside(`[${value}]`)
        : field.type === 'map'
          ? (value: string) => inside(`{"k":${value}}`)
          : inside
    if (items.scalar === undefined && items.type === 'object') yield* fieldsOf(items, seen, `${path}.${name}`, around)
  }
}

test('each field of each kind, with hostile sizes: work is bounded by the size of the request', async () => {
  const seen = new Set<string>()
  let fields = 0
  for (const { facts, schema, path, minimal } of await servedKinds(api)) {
    const { apiVersion, kind } = facts
    for (const [place, node, wrap] of fieldsOf(schema, seen, kind, (value) => value)) {
      fields++
      for (const [what, value] of hostileValues(node)) {
        const name = `${place}: ${what}`
        // The field over a good object, so that rules run as far as they would.
        const text = merged({ ...minimal('hostile'), apiVersion, kind }, wrap(value))
        await holds(name, 'POST', `${path}?dryRun=All`, text)
      }
    }
  }
  assert.ok(fields > 600, `only ${fields} fields`)
})

/** The object's JSON with the other's fields put over it; the hostile text itself is never parsed here where it is no JSON. */
function merged(base: object, over: string): string {
  const MARK = '"#hostile#"'
  const shape = /^((?:\{"[^"]{1,80}":\[?)+)/.exec(over)?.[1] ?? ''
  const end = over.length - closing(shape).length
  const value = over.slice(shape.length, end)
  const patch = JSON.parse(`${shape}${MARK}${closing(shape)}`) as Record<string, unknown>
  return JSON.stringify(overlay(base, patch)).replace(MARK, () => value)
}

function closing(opening: string): string {
  return [...opening.replaceAll(/"[^"]*":/g, '')]
    .reverse()
    .map((sign) => (sign === '{' ? '}' : ']'))
    .join('')
}

function overlay(base: unknown, patch: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(patch)) return patch.map((item, index) => (index in base ? overlay(base[index], item) : item))
  if (
    typeof base !== 'object' ||
    typeof patch !== 'object' ||
    base === null ||
    patch === null ||
    Array.isArray(base) ||
    Array.isArray(patch)
  )
    return patch
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(patch)) result[key] = key in result ? overlay(result[key], value) : value
  return result
}

describe('what once took long', () => {
  const rule = (count: number, word: string) => times(count, (index) => `${word}${index}`)
  const cases: [string, string, string, unknown, string?][] = [
    [
      'one long key above doubled ones',
      'POST',
      '/api/v1/namespaces/default/configmaps',
      `{"${'k'.repeat(70_000)}":{${times(3000, (i) => `"a${i}":1,"a${i}":2`).join()}}}`,
    ],
    ['a generated name of dashes', 'POST', PODS, { ...pod('x'), metadata: { generateName: '-'.repeat(100_000) } }],
    [
      '3,000 controlling owners',
      'POST',
      PODS,
      pod(
        'x',
        {},
        { ownerReferences: times(3000, (i) => ({ apiVersion: 'v1', kind: 'Pod', name: `p${i}`, uid: `u${i}`, controller: true })) },
      ),
    ],
    [
      'a role of 30×30×30×30',
      'POST',
      '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles',
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'wide' },
        rules: [{ verbs: rule(30, 'v'), apiGroups: rule(30, 'g'), resources: rule(30, 'r'), resourceNames: rule(30, 'n') }],
      },
    ],
    [
      'a strategic merge of 30,000 items',
      'PATCH',
      `${PODS}/there`,
      { spec: { containers: times(30_000, (i) => ({ name: `c${i}`, image: 'x' })) } },
      'application/strategic-merge-patch+json',
    ],
    [
      '30,000 deletions by strategic merge',
      'PATCH',
      `${PODS}/there`,
      { spec: { containers: times(30_000, (i) => ({ $patch: 'delete', name: `c${i}` })) } },
      'application/strategic-merge-patch+json',
    ],
    [
      '$retainKeys of 80,000',
      'PATCH',
      `${PODS}/there`,
      { spec: { $retainKeys: times(80_000, (i) => `k${i}`), ...Object.fromEntries(times(40_000, (i) => [`k${79_999 - i}`, 1])) } },
      'application/strategic-merge-patch+json',
    ],
    [
      'an order of 60,000',
      'PATCH',
      `${PODS}/there`,
      {
        spec: {
          '$setElementOrder/containers': times(60_000, (i) => ({ name: `c${i}` })),
          containers: times(10_000, (i) => ({ name: `c${i}` })),
        },
      },
      'application/strategic-merge-patch+json',
    ],
    [
      '60,000 texts to delete',
      'PATCH',
      '/api/v1/namespaces/default/configmaps/there',
      { metadata: { '$deleteFromPrimitiveList/finalizers': times(60_000, (i) => `a/${i}`), finalizers: times(20_000, (i) => `b/${i}`) } },
      'application/strategic-merge-patch+json',
    ],
    [
      'a merge patch of 240 levels',
      'PATCH',
      '/api/v1/namespaces/default/configmaps/there',
      `${'{"a":'.repeat(240)}"${'x'.repeat(1_000_000)}"${'}'.repeat(240)}`,
      'application/merge-patch+json',
    ],
    [
      'a quantity of a million digits',
      'POST',
      PODS,
      pod('x', { containers: [{ name: 'a', image: 'x', resources: { limits: { cpu: '9'.repeat(1_000_000) } } }] }),
    ],
    [
      '10,000 JSON patch operations',
      'PATCH',
      '/api/v1/namespaces/default/configmaps/there',
      times(10_000, (i) => ({ op: 'add', path: `/data/k${i}`, value: 'x' })),
      'application/json-patch+json',
    ],
    [
      '10,000 JSON patch operations at the front of a list',
      'PATCH',
      `${PODS}/there`,
      times(10_000, () => ({ op: 'add', path: '/spec/containers/0', value: {} })),
      'application/json-patch+json',
    ],
    [
      'nested copies by JSON patch',
      'PATCH',
      '/api/v1/namespaces/default/configmaps/there',
      [{ op: 'add', path: '/data', value: { a: {} } }, ...times(5000, () => ({ op: 'copy', from: '/data', path: '/data/a' }))],
      'application/json-patch+json',
    ],
    [
      'doubling copies by JSON patch',
      'PATCH',
      '/api/v1/namespaces/default/configmaps/there',
      [{ op: 'add', path: '/data', value: { a: 'x' } }, ...times(60, (i) => ({ op: 'copy', from: '/data', path: `/data/${i}` }))],
      'application/json-patch+json',
    ],
    ['250,000 brackets', 'POST', PODS, '['.repeat(250_000)],
    [
      'a million empty containers',
      'POST',
      PODS,
      JSON.stringify(pod('x')).replace('"containers":[', `"containers":[${'{},'.repeat(900_000)}`),
    ],
    [
      '200,000 empty containers',
      'POST',
      PODS,
      JSON.stringify(pod('x')).replace('"containers":[', `"containers":[${'{},'.repeat(200_000)}`),
    ],
    [
      'unknown fields',
      'POST',
      `${PODS}?fieldValidation=Strict`,
      { ...pod('x'), ...Object.fromEntries(times(100_000, (i) => [`unknown${i}`, 1])) },
    ],
  ]
  for (const [what, method, path, body, type] of cases) {
    test(what, async () => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      // Copies of a patch are work like bytes that were sent: no more than a body may have.
      const makes = what.includes('copies') || what.includes('JSON patch') ? inputLimits.bodyBytes / 2 : 0
      await holds(what, method, `${path}${path.includes('?') ? '&' : '?'}dryRun=All`, text, type, { makes })
    })
  }

  test('a user with few rights, and a role of 30×30×30×30', async () => {
    const user = { name: 'small', groups: ['system:authenticated'] }
    const rbac = '/apis/rbac.authorization.k8s.io/v1'
    const apiVersion = 'rbac.authorization.k8s.io/v1'
    const rules = [{ verbs: rule(30, 'v'), apiGroups: rule(30, 'g'), resources: rule(30, 'r'), resourceNames: rule(30, 'n') }]
    await api.request('POST', `${rbac}/clusterroles`, {
      apiVersion,
      kind: 'ClusterRole',
      metadata: { name: 'small' },
      rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['roles'] }],
    })
    await api.request('POST', `${rbac}/clusterrolebindings`, {
      ...{ apiVersion, kind: 'ClusterRoleBinding', metadata: { name: 'small' } },
      ...{
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'small' },
        subjects: [{ kind: 'User', name: 'small' }],
      },
    })
    const role = { apiVersion, kind: 'Role', metadata: { name: 'wide' }, rules: times(100, () => rules[0]) }
    const text = JSON.stringify(role)
    const answer = await budget.measure('escalation', { bytes: text.length, body: text }, () =>
      api.request('POST', `${rbac}/namespaces/default/roles`, text, {}, user),
    )
    // `*` verbs on roles hold `escalate` too, so the role is stored; without them it is refused.
    assert.ok([201, 403].includes(answer.status), answer.text.slice(0, 300))
  })
})

describe('parameters of the query', () => {
  const long = 100_000
  const values: [string, string][] = [
    ['labelSelector', 'a,'.repeat(long / 2)],
    ['labelSelector', `a in (${times(long / 10, (i) => `v${i}`).join()})`],
    ['labelSelector', '!'.repeat(long)],
    ['labelSelector', 'a'.repeat(long)],
    ['labelSelector', times(long / 10, (i) => `a${i}=b`).join()],
    ['fieldSelector', times(long / 20, (i) => `metadata.name!=${i}`).join()],
    ['fieldSelector', '='.repeat(long)],
    ['fieldSelector', `metadata.name=${'\\'.repeat(long)}`],
    ['fieldSelector', ','.repeat(long)],
    ...[
      'limit',
      'continue',
      'resourceVersion',
      'timeoutSeconds',
      'gracePeriodSeconds',
      'propagationPolicy',
      'dryRun',
      'fieldValidation',
      'pretty',
      'watch',
      'fieldManager',
      'resourceVersionMatch',
      'sendInitialEvents',
    ].flatMap((name): [string, string][] => [
      [name, '9'.repeat(long)],
      [name, '%'.repeat(long)],
    ]),
  ]
  for (const [name, value] of values) {
    test(`${name}: ${value.slice(0, 12)}… of ${value.length}`, async () => {
      const query = `${name}=${encodeURIComponent(value).slice(0, 250_000)}`
      await holds(`${name} ${value.slice(0, 8)}`, 'GET', `${PODS}?${query}`, '')
      await holds(`delete ${name} ${value.slice(0, 8)}`, 'DELETE', `${PODS}/nobody?${query}`, '')
    })
  }
  test('one parameter many times', async () => {
    for (const name of ['dryRun', 'labelSelector', 'container'])
      await holds(`${name} repeated`, 'POST', `${PODS}?${`${name}=All&`.repeat(20_000)}`, '{}')
  })
})

describe('YAML, which is dearer', () => {
  const documents: Record<string, string> = {
    brackets: '['.repeat(200_000),
    aliases: `- &a [x,x]\n${'- *a\n'.repeat(150_000)}`,
    bomb: `a: &a [${'x,'.repeat(9)}x]\n${times(12, (i) => `b${i}: &${'bcdefghijklm'[i]} [${`*${'abcdefghijkl'[i]},`.repeat(9)}x]`).join('\n')}\n`,
    keys: times(40_000, (i) => `key${i}: value`).join('\n'),
    doubled: 'a: 1\n'.repeat(100_000),
    items: `a: [${'1,'.repeat(200_000)}]`,
    questions: '?\n'.repeat(200_000),
    text: `a: |\n${' x\n'.repeat(200_000)}`,
  }
  for (const [what, text] of Object.entries(documents)) {
    // Up to the bound of yamlBytes: ten times the share of JSON.
    test(what, () =>
      holds(`YAML of ${what}`, 'POST', '/api/v1/namespaces/default/configmaps?dryRun=All', text, 'application/yaml', {
        perMegabyte: 1000,
      }).then(() => {}),
    )
  }
})
