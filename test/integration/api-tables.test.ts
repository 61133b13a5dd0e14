import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startApi, type TestApi } from '../harness/api.ts'
import { configMap } from '../harness/bodies.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const table = (version: string, more = '') => ({ accept: `application/json;as=Table;v=${version};g=meta.k8s.io${more}` })

let api: TestApi
before(async () => {
  api = await startApi()
  await api.request('POST', MAPS, configMap('one', { data: { a: 'b' } }))
})
after(() => api.stop())

test('tables are written in the version of meta that was asked for, their rows too', async () => {
  for (const version of ['v1', 'v1beta1']) {
    for (const path of [MAPS, `${MAPS}/one`]) {
      const { status, json } = await api.request('GET', path, undefined, table(version))
      const { kind, apiVersion, rows } = json as unknown as { kind: string; apiVersion: string; rows: { object: { apiVersion: string } }[] }
      const wanted = `meta.k8s.io/${version}`
      assert.deepEqual([status, kind, apiVersion, rows[0]?.object.apiVersion], [200, 'Table', wanted, wanted], path)
    }
    const only = { accept: `application/json;as=PartialObjectMetadataList;v=${version};g=meta.k8s.io` }
    assert.equal((await api.request('GET', MAPS, undefined, only)).json['apiVersion'], `meta.k8s.io/${version}`)
  }
})

test('what has no rows is no table: questions are 406, unless the object will do', async () => {
  const review = {
    ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' },
    spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
  }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  for (const version of ['v1', 'v1beta1']) {
    const refused = await api.request('POST', path, review, table(version))
    assert.equal(refused.status, 406)
    assert.match(refused.text, /only the following media types are accepted/)
  }
  const answered = await api.request('POST', path, review, table('v1', ',application/json'))
  assert.deepEqual([answered.status, answered.json['kind']], [201, 'SelfSubjectAccessReview'])
  assert.equal((await api.request('GET', MAPS, undefined, table('v1'))).status, 200, 'the same words are a table elsewhere')
})
