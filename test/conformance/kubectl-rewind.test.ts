import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startApi } from '../harness/api.ts'
import { pod, serviceAccount } from '../harness/bodies.ts'
import { findKubectl, kubectlFor } from '../harness/kubectl.ts'

test('an unmodified kubectl looks at the past as at any cluster', async (t) => {
  const program = await findKubectl()
  const api = await startApi({ listen: true }, t)
  const kubectl = kubectlFor(program, join(api.dataDir, 'credentials', 'admin.kubeconfig'))
  const revision = async () =>
    String(((await api.request('GET', '/api/v1/namespaces?limit=1')).json['metadata'] as { resourceVersion: string }).resourceVersion)
  const folder = 'examples/custom-resources'
  await kubectl.ok(`apply -f ${folder}/definition.yaml`)
  await kubectl.ok('wait --for=condition=Established crd/reminders.learn.example.com --timeout=30s')
  await kubectl.ok(`apply -f ${folder}/reminder.yaml`)
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
  await api.request('POST', '/api/v1/namespaces/default/pods', pod('web', { nodeName: 'node-7' }, { labels: { app: 'web' } }))
  await kubectl.ok('create configmap settings --from-literal=color=blue')
  const time = new Date().toISOString()
  const before = await revision()
  await kubectl.ok('create configmap later --from-literal=a=b')
  await kubectl.ok('delete configmap settings')
  await kubectl.ok('delete pod web --grace-period=0 --force')
  await kubectl.ok('delete crd reminders.learn.example.com --timeout=30s')

  for (const moment of [before, time]) {
    const past = (words: string) => `--server ${api.server.url}/rewind/${moment} ${words}`
    assert.match(await kubectl.ok(past('get pods -o wide')), /NAME +READY .* NODE .*\nweb +0\/1 +Pending .* node-7 /)
    assert.equal(await kubectl.ok(past('get pods -l app=web -o name')), 'pod/web')
    assert.match(await kubectl.fails(past('get pod other')), /pods "other" not found/)
    assert.match(await kubectl.ok(past('describe pod web')), /Name: +web\n[\s\S]*Node: +node-7\/\n[\s\S]*Labels: +app=web\n/)
    assert.match(await kubectl.ok(past('get cm,po --chunk-size=1')), /configmap\/settings +1[\s\S]*pod\/web/)
    assert.match(await kubectl.ok(past('get cm settings -o yaml')), /color: blue/)
    assert.equal(await kubectl.ok(past('get cm --field-selector metadata.name=settings -o name')), 'configmap/settings')
    assert.doesNotMatch(await kubectl.ok(past('get cm')), /later/)
    // What has since been dropped is a kind there, with its words.
    assert.match(
      await kubectl.ok(past('api-resources --api-group=learn.example.com')),
      /reminders +rem +learn.example.com\/v1 +true +Reminder/,
    )
    assert.match(await kubectl.ok(past('get rem')), /NAME +TEXT +EVERY\nwater-the-plants +Water the plants +1440/)
    assert.match(await kubectl.ok(past('explain reminder.spec')), /everyMinutes\s+<integer>\s+How often it is said/)
    assert.match(await kubectl.ok(past('get all')), /pod\/web/)
    const manifest = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"color":"red"}}'
    const differs = await kubectl.run(past('diff -f -').split(' '), { input: manifest })
    assert.equal(differs.code, 1, differs.stderr)
    assert.match(differs.stdout, /-\s+color: blue\n\+\s+color: red/)
    const fresh = await kubectl.run(past('diff -f -').split(' '), { input: manifest.replace('settings', 'later') })
    assert.match(fresh.stdout, /\+\s+color: red/)
    assert.match(await kubectl.fails(past('delete cm settings')), /the past is read only, delete is not possible there/)
    assert.match(
      await kubectl.fails(past('apply -f -'), { input: manifest }),
      /the past is read only, (patch|create) is not possible there/,
    )
    assert.match(await kubectl.fails(past('logs web')), /only objects are kept of the past/)
    const watched = await kubectl.run(past('get pods --watch').split(' '))
    assert.match(watched.stdout, /web/)
    assert.match(watched.stderr, /the past does not change, so there is nothing to watch/)
    assert.equal(
      await kubectl.ok(past('wait --for=jsonpath={.data.color}=blue cm/settings --timeout=10s')),
      'configmap/settings condition met',
    )
    const waits = await kubectl.fails(past('wait --for=jsonpath={.data.color}=red cm/settings --timeout=10s'))
    assert.match(waits, /the past does not change|timed out/)
  }
  assert.match(await kubectl.ok('get --raw /rewind'), /"kind":\s?"History"/)
})
