import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { startApi } from '../harness/api.ts'
import { auditScene } from '../harness/audited-api.ts'
import { configMap, node, pod, serviceAccount } from '../harness/bodies.ts'
import { hookServer, serverPapers } from '../harness/hook-server.ts'
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

test('what goes to a kubelet is told when it begins and when it ends, and never what it carried', async (context) => {
  const scene = auditScene(context, { omitStages: ['RequestReceived'], rules: [{ level: 'RequestResponse' }] })
  const api = await serveApi(scene.options.args)
  context.after(() => api.stop())
  const pki = (file: string) => readFileSync(join(api.directory, 'pki', file), 'utf8')
  const papers = await serverPapers({ dns: ['far'] }, ['serverAuth'], { certificate: pki('ca.crt'), key: pki('ca.key') })
  const kubelet = await hookServer(papers, (_request, response) => response.end('words of the log'))
  context.after(() => kubelet.close())
  const sessions = new WebSocketServer({ noServer: true })
  kubelet.onUpgrade((request, socket) => {
    if (request.url?.startsWith('/portForward')) socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    else sessions.handleUpgrade(request, socket, Buffer.alloc(0), (session) => session.send('words of the session'))
  })
  const namespace = '/api/v1/namespaces/default'
  await api.call(api.admin, 'POST', '/api/v1/nodes', node('far'))
  const status = {
    addresses: [{ type: 'InternalIP', address: kubelet.host }],
    daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
  }
  await api.call(api.admin, 'PATCH', '/api/v1/nodes/far/status', { status }, 'application/merge-patch+json')
  await api.call(api.admin, 'POST', `${namespace}/serviceaccounts`, serviceAccount('default'))
  assert.equal((await api.call(api.admin, 'POST', `${namespace}/pods`, pod('web', { nodeName: 'far' }))).code, 201)
  const told = async (id: string, count: number) =>
    (await scene.of(id, count)).map(({ stage, verb, objectRef, responseStatus, responseObject }) => {
      assert.deepEqual([objectRef.resource, objectRef.name, responseObject], ['pods', 'web', undefined])
      return [stage, verb, objectRef.subresource, responseStatus.code]
    })
  const open = (id: string, path: string) =>
    new WebSocket(`${api.server.url.replace('https', 'wss')}${namespace}/pods/web/${path}`, {
      ...{ ca: api.server.credentials.authority, cert: api.admin.cert, key: api.admin.key, headers: { 'audit-id': id } },
    })

  const session = open('session-1', 'exec?command=ls&stdout=true')
  assert.equal(String((await once(session, 'message'))[0]), 'words of the session')
  assert.deepEqual(await told('session-1', 1), [['ResponseStarted', 'get', 'exec', 101]])
  session.close()
  assert.deepEqual((await told('session-1', 2))[1], ['ResponseComplete', 'get', 'exec', 101])

  const [refusal] = await once(open('forward-1', 'portforward?ports=80'), 'error')
  assert.match(String(refusal), /404/)
  assert.deepEqual(await told('forward-1', 2), [
    ['ResponseStarted', 'get', 'portforward', 101],
    ['ResponseComplete', 'get', 'portforward', 101],
  ])

  const asked = { ...api.admin, headers: { 'audit-id': 'read-1' } }
  assert.deepEqual(await api.call(asked, 'GET', `${namespace}/pods/web/log`), { code: 200, body: 'words of the log' })
  assert.deepEqual(await told('read-1', 2), [
    ['ResponseStarted', 'get', 'log', 200],
    ['ResponseComplete', 'get', 'log', 200],
  ])
  assert.doesNotMatch(readFileSync(scene.path, 'utf8'), /words of/)
})
