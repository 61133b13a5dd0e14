import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { startApi } from '../harness/api.ts'
import { auditScene } from '../harness/audited-api.ts'
import { configMap } from '../harness/bodies.ts'
import { serveApi } from '../harness/served-api.ts'
import { soon } from '../harness/soon.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'

test('a log that is removed is begun again', async (context) => {
  const scene = auditScene(context, { rules: [{ level: 'Metadata' }] })
  const api = await startApi(scene.options, context)
  const ask = (id: string) => api.request('GET', '/version', undefined, { 'audit-id': id })
  await ask('before')
  await scene.of('before', 2)
  rmSync(scene.path)
  await soon(async () => {
    await ask('after')
    assert.ok(scene.read().some(({ auditID }) => auditID === 'after'))
  })
})

test('a server that cannot write its log does not start, and says why', async (context) => {
  const bad = auditScene(context, { rules: [{ level: 'Metadata' }] })
  const [, file = ''] = bad.options.args ?? []
  await assert.rejects(startApi({ args: ['--audit-log-path', bad.path] }, context), /--audit-log-path needs --audit-policy-file/)
  await assert.rejects(startApi({ args: ['--audit-policy-file', file] }, context), /--audit-policy-file needs --audit-log-path/)
  mkdirSync(bad.path)
  chmodSync(bad.path, 0o700)
  await assert.rejects(startApi(bad.options, context), {
    name: 'ConfigError',
    message: /^--audit-log-path: .*audit\.log cannot be written: EISDIR/,
  })
  writeFileSync(file, '{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Everything"}]}')
  await assert.rejects(startApi(bad.options, context), /policy\.yaml: rules\[0\]\.level: must be one of/)
})

test('where nothing may happen that is not written down, a full disk refuses requests', async (context) => {
  const full = auditScene(context, { rules: [{ level: 'Metadata', resources: [{ group: '', resources: ['configmaps'] }] }] })
  const args = [...(full.options.args ?? []), '--audit-log-path', '/dev/full', '--audit-log-mode', 'blocking-strict']
  const strict = await startApi({ args: args.filter((_, index) => index !== 2 && index !== 3) }, context)
  const answer = await strict.request('POST', MAPS, configMap('one'))
  assert.deepEqual([answer.status, answer.json['message']], [500, 'Internal error occurred: failed to store audit event'])
  assert.equal((await strict.request('GET', '/api/v1/nodes')).status, 200)
  await soon(async () => {
    const metrics = (await strict.request('GET', '/metrics')).text
    assert.match(metrics, /apiserver_audit_requests_rejected_total 1/)
    assert.match(metrics, /apiserver_audit_error_total\{plugin="log"\} [12]/)
  })
})

test('a watch over a WebSocket begins with 101, and is over when its client leaves', async (context) => {
  const scene = auditScene(context, { rules: [{ level: 'Request' }] })
  const api = await serveApi(scene.options.args)
  context.after(() => api.stop())
  const { cert, key } = api.admin
  const socket = new WebSocket(`${api.server.url.replace('https', 'wss')}${MAPS}?watch=true`, {
    ...{ ca: api.server.credentials.authority, cert, key, headers: { 'audit-id': 'socket-1' } },
  })
  await once(socket, 'open')
  const [, begun] = await scene.of('socket-1', 2)
  assert.deepEqual([begun.stage, begun.verb, begun.responseStatus.code], ['ResponseStarted', 'watch', 101])
  socket.close()
  const events = await scene.of('socket-1', 3)
  assert.equal(events[2].stage, 'ResponseComplete')
})
