import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { configMap, pod, serviceAccount } from '../harness/bodies.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const SECRETS = '/api/v1/namespaces/default/secrets'
const PODS = '/api/v1/namespaces/default/pods'
const ROLES = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles'
const odd = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

let api: TestApi
before(async () => {
  api = await startApi()
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
})
after(() => api.stop())

async function refuses(code: number, message: RegExp, method: string, path: string, body: unknown, headers?: Record<string, string>) {
  const answer = await api.request(method, path, body, headers)
  assert.equal(answer.status, code, answer.text.slice(0, 300))
  assert.match(String(answer.json['message']), message)
}

test('names with half a surrogate pair are refused before anything else happens', async () => {
  const role = (name: string) => `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"${name}"},"rules":[]}`
  for (const name of ['a\\ud800', 'a\\udbff', 'a\\udfff']) {
    await refuses(400, /not valid Unicode/, 'POST', ROLES, role(name))
    await refuses(400, /not valid Unicode/, 'POST', ROLES, role(name), { 'content-type': 'application/yaml' })
  }
  await refuses(400, /not well encoded/, 'GET', `${ROLES}/a%ED%A0%80`, undefined)
  await refuses(400, /not well encoded/, 'GET', `${ROLES}?labelSelector=%ff`, undefined)
  await refuses(400, /not well encoded/, 'GET', `${ROLES}/\u00e9`, undefined)
  await refuses(400, /must be valid UTF-8/, 'GET', ROLES, undefined, { 'impersonate-user': 'a\u00ff' })
})

test('periods that would end after the year 9999 are refused, where they are given', async () => {
  await api.request('POST', PODS, pod('lasting'))
  const options = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 3e11 }
  await refuses(422, /gracePeriodSeconds/, 'DELETE', `${PODS}/lasting`, options)
  await refuses(422, /gracePeriodSeconds/, 'DELETE', `${PODS}/lasting?gracePeriodSeconds=300000000000`, undefined)
  await refuses(400, /seconds are more than/, 'POST', PODS, pod('a', { terminationGracePeriodSeconds: 3e11 }))
  await refuses(
    400,
    /seconds are more than/,
    'POST',
    PODS,
    pod('a', { tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 3e11 }] }),
  )
  await refuses(400, /seconds are more than/, 'POST', `${PODS}/lasting/eviction`, {
    ...{ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'lasting' }, deleteOptions: { gracePeriodSeconds: 3e11 } },
  })
  await refuses(
    400,
    /outside the years/,
    'POST',
    MAPS,
    configMap('a', { metadata: { name: 'a', creationTimestamp: '9999-12-31T23:59:59-01:00' } }),
  )
})

test('whole numbers are kept exactly or refused', async () => {
  const body = JSON.stringify(pod('a', { terminationGracePeriodSeconds: 1 })).replace('Seconds":1', 'Seconds":9007199254740993')
  await refuses(400, /can be kept exactly/, 'POST', PODS, body)
  await refuses(400, /2\^53-1/, 'POST', PODS, pod('a', { securityContext: { runAsUser: 2 ** 53 } }))
  const quantity = JSON.stringify(pod('a', { containers: [{ name: 'a', image: 'b', resources: { limits: { memory: 1 } } }] }))
  await refuses(400, /can be kept exactly/, 'POST', PODS, quantity.replace('"memory":1', '"memory":9007199254740993'))
  const text = await api.request('POST', `${PODS}?dryRun=All`, quantity.replace('"memory":1', '"memory":"9007199254740993"'))
  assert.match(text.text, /"memory":"9007199254740993"/)
})

test('keys that every JavaScript object has are data on every way in and out', async () => {
  const data = (value: string) => `{${odd.map((key) => `"${key}":"${value}"`).join(',')}}`
  const dataOf = async () => /"data":(\{[^}]*\})/.exec((await api.request('GET', `${MAPS}/odd`)).text)?.[1]
  await api.request('POST', MAPS, `{"metadata":{"name":"odd"},"data":${data('json')}}`)
  assert.equal(await dataOf(), data('json'))
  for (const type of ['merge-patch', 'strategic-merge-patch']) {
    await api.request('PATCH', `${MAPS}/odd`, `{"data":${data(type)}}`, { 'content-type': `application/${type}+json` })
    assert.equal(await dataOf(), data(type))
  }
  const yaml = `metadata: {name: odd}\ndata:\n${odd.map((key) => `  ${key}: "yaml"\n`).join('')}`
  await api.request('PUT', `${MAPS}/odd`, yaml, { 'content-type': 'application/yaml' })
  assert.equal(await dataOf(), data('yaml'))
  const operations = odd.map((key) => ({ op: 'replace', path: `/data/${key}`, value: 'patch' }))
  await api.request('PATCH', `${MAPS}/odd`, operations, { 'content-type': 'application/json-patch+json' })
  assert.equal(await dataOf(), data('patch'))
  // One of them alone is a change too.
  await api.request('PUT', `${MAPS}/odd`, configMap('odd', { data: {} }))
  await api.request('PUT', `${MAPS}/odd`, configMap('odd', { data: { constructor: 'alone' } }))
  assert.equal(await dataOf(), '{"constructor":"alone"}')
  const secret = await api.request('POST', SECRETS, `{"metadata":{"name":"odd"},"stringData":{"__proto__":"a"}}`)
  assert.match(secret.text, /"__proto__":"YQ=="/)
})

test('names that every JavaScript object has are no types, resources, headers or operators', async () => {
  for (const [index, type] of odd.entries()) {
    assert.equal((await api.request('POST', SECRETS, { metadata: { name: `type-${index}` }, type })).status, 201, type)
    assert.equal((await api.request('GET', `/api/v1/${type}`)).status, 404)
    assert.equal((await api.request('GET', `${PODS}/lasting/${type}`)).status, 404)
    const extra = { 'impersonate-user': 'a', [`impersonate-extra-${type.toLowerCase()}`]: 'x' }
    assert.equal((await api.request('GET', PODS, undefined, extra)).status, 403)
    assert.equal((await api.request('GET', `${PODS}?fieldSelector=${type}%3Da`)).status, 400)
    const expression = { matchExpressions: [{ key: 'a', operator: type }] }
    const spec = { selector: expression, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'b' }] } } }
    const answer = await api.request('POST', '/apis/apps/v1/namespaces/default/deployments', { metadata: { name: 'a' }, spec })
    assert.equal(answer.status, 422, answer.text)
  }
})

test('an object that is too large is not stored, and the answer says how large it may be', async () => {
  const wide = pod('wide', { containers: [{ name: 'a', image: 'b', args: ['x'.repeat(inputLimits.objectBytes)] }] })
  await refuses(413, /1572864 are allowed/, 'POST', PODS, wide)
})

test('a hundred problems are told, and that there are more', async () => {
  const answer = await api.request('POST', PODS, pod('a', { containers: Array.from({ length: 500 }, () => ({})) }))
  assert.equal(answer.status, 422)
  const { causes } = answer.json['details'] as { causes: { message: string }[] }
  assert.equal(causes.length, inputLimits.problems + 1)
  assert.match(causes.at(-1)!.message, /these are the first 100/)
})

test('amounts of resources under names that every object inherits are judged like any other', async () => {
  for (const name of odd) {
    const amounts = JSON.parse(`{"${name}":"1"}`)
    for (const resources of [{ requests: amounts }, { limits: amounts }, { requests: amounts, limits: { cpu: '1' } }]) {
      await refuses(
        422,
        /resources\.(requests|limits)/,
        'POST',
        PODS,
        pod('odd', { containers: [{ name: 'main', image: 'x', resources }] }),
      )
      await refuses(422, /resources/, 'POST', PODS, pod('odd', { resources }))
    }
  }
})
