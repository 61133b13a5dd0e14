import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemGroup } from '../../apiserver/authn/system-names.ts'
import type { User } from '../../apiserver/authn/user.ts'
import { configMap } from '../harness/bodies.ts'
import { refused, webhookScene } from '../harness/webhook-scene.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const writer: User = { name: 'writer', groups: [systemGroup.authenticated] }

test('webhooks that call back while their callers have all seats give up, and the seats come back', async (context) => {
  // A quarter of the time-out is how long a request waits for a seat.
  const args = ['--max-reads-in-flight=1', '--max-writes-in-flight=1', '--request-timeout=4s']
  const { api, install, webhook, answer, asked } = await webhookScene(context, { args })
  const binding = {
    ...{ metadata: { name: 'writer' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'writer' }] },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
  }
  assert.equal((await api.request('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', binding)).status, 201)
  await install('Validating', 'a', webhook('back'))
  answer('back', ({ uid }, response) => {
    const done = (status: number) => {
      const said = status === 200 ? { allowed: true } : refused(`the server answered ${status}`, { code: 503 })
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...said } }))
    }
    void api.request('GET', MAPS, undefined, {}, writer).then(({ status }) => done(status))
    return undefined
  })
  const create = (name: string) => api.request('POST', MAPS, configMap(name), {}, writer)
  const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => create(`map-${index}`)))
  const told = answers.map(({ status, json }) => (status === 201 ? 201 : `${status} ${String(json['message'])}`))
  assert.ok(
    told.some((each) => String(each).includes('denied the request: the server answered 429')),
    told.join('\n'),
  )
  assert.ok(asked.length > 0)
  answer('back', () => ({ allowed: true }))
  assert.equal((await create('after')).status, 201, 'the seats are there again')
})
