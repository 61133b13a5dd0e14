import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import type { User } from '../../apiserver/authn/user.ts'
import type { APIService, APIServiceSpec } from '../../shared/openapi/generated/apiregistration-v1.ts'
import { admin, startApi, type TestApi } from '../harness/api.ts'
import { eventually } from '../harness/eventually.ts'
import { hookServer, machineAddress, serverPapers } from '../harness/hook-server.ts'

const API = 'apiregistration.k8s.io/v1'
const host = machineAddress()
const papers = await serverPapers({ dns: ['ext.default.svc'], ip: [host] })
const GROUP = 'ext.example.com'
const PATH = `/apis/${GROUP}/v1`
const DOCUMENT = `/openapi/v3${PATH}?hash=ABC`
const resources = [
  { name: 'things', singularName: 'thing', namespaced: true, kind: 'Thing', verbs: ['get', 'list', 'watch'], shortNames: ['th'] },
  { name: 'things/status', singularName: '', namespaced: true, kind: 'Thing', verbs: ['get'] },
]

type Answering = (request: IncomingMessage, response: ServerResponse) => void

/** An API server and a real extension server beside it, behind the Service `ext`. */
async function scene(context: TestContext, { listen = false } = {}) {
  const api = await startApi({ listen }, context)
  const data =
    (await api.client().get('v1', 'ConfigMap', { namespace: 'kube-system', name: 'extension-apiserver-authentication' })).data ?? {}
  const seen: IncomingMessage[] = []
  let answering: Answering = (_, response) => response.end('{"kind":"ThingList"}')
  const trusted = { requestCert: true, rejectUnauthorized: true, ca: data['requestheader-client-ca-file'] ?? '' }
  const server = await hookServer(
    papers,
    (request, response) => {
      if (request.headers['x-remote-user'] !== 'system:kube-aggregator') {
        seen.push(request)
        return answering(request, response)
      }
      response.setHeader('content-type', 'application/json')
      if (request.url === '/openapi/v3')
        return response.end(JSON.stringify({ paths: { [PATH.slice(1)]: { serverRelativeURL: DOCUMENT } } }))
      response.end(JSON.stringify({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${GROUP}/v1`, resources }))
    },
    { host, ...trusted },
  )
  context.after(() => server.close())
  const install = async (spec: Partial<APIServiceSpec> = {}) => {
    const full = {
      ...{ group: GROUP, version: 'v1', groupPriorityMinimum: 50, versionPriority: 10 },
      ...{ service: { namespace: 'default', name: 'ext' }, ...spec },
    }
    const name = `${full.version}.${full.group}`
    return api.client().create(API, 'APIService', { metadata: { name }, spec: full })
  }
  return {
    ...{ api, data, server, seen, install },
    answer: (how: Answering) => (answering = how),
    async serve() {
      await makeService(api)
      await makeEndpoints(api, server.port)
      await install({ caBundle: server.caBundle })
      await available(api, 'Passed')
    },
  }
}

const makeService = (api: TestApi) =>
  api.client().create('v1', 'Service', { metadata: { name: 'ext' }, spec: { ports: [{ port: 443 }] } }, { namespace: 'default' })

function makeEndpoints(api: TestApi, port: number) {
  const slice = { addressType: 'IPv4', ports: [{ port, name: '' }], endpoints: [{ addresses: [host], conditions: { ready: true } }] }
  const metadata = { name: 'ext-1', labels: { 'kubernetes.io/service-name': 'ext' } }
  return api.client().create('discovery.k8s.io/v1', 'EndpointSlice', { metadata, ...slice }, { namespace: 'default' })
}

async function available(api: TestApi, reason: string, name = `v1.${GROUP}`): Promise<string> {
  let message = ''
  await eventually(api.client(), [API, 'APIService'], (services: APIService[]) => {
    const condition = services.find(({ metadata }) => metadata.name === name)?.status.conditions?.find(({ type }) => type === 'Available')
    message = condition?.message ?? ''
    return condition?.reason === reason
  })
  return message
}

const someone: User = { name: 'jane', uid: 'u-1', groups: ['system:masters', 'größe'], extra: { 'example.com/Scope': ['a', 'b'] } }

test('a request goes on as the front proxy, with the name of who asks and nothing of their credentials', async (context) => {
  const { api, data, seen, serve, answer } = await scene(context)
  assert.equal((await api.request('GET', `${PATH}/things`)).status, 404)
  await serve()
  assert.deepEqual(JSON.parse(data['requestheader-allowed-names'] ?? ''), ['front-proxy-client'])
  assert.equal(data['requestheader-client-ca-file'], readFileSync(`${api.dataDir}/pki/front-proxy-ca.crt`, 'utf8'))
  let body = ''
  let caller = ''
  answer(async (request, response) => {
    caller = String((request.socket as TLSSocket).getPeerCertificate().subject.CN)
    body = await text(request)
    response.writeHead(418, { 'content-type': 'text/plain', 'x-own': '1' }).end('short and stout')
  })
  const forged = { 'X-Remote-User': 'root', 'x-remote-extra-scope': 'all', 'Impersonate-Nothing': 'x', cookie: 'c' }
  const answered = await api.request('POST', `${PATH}/namespaces/a/things?dryRun=All`, '{"a":1}', forged, someone)
  assert.deepEqual([answered.status, answered.text, answered.header('x-own')], [418, 'short and stout', '1'])
  assert.equal(body, '{"a":1}')
  const asked = seen[0]!
  assert.equal(asked.url, `${PATH}/namespaces/a/things?dryRun=All`)
  const { headers, headersDistinct } = asked
  assert.equal(headers['x-remote-user'], 'jane')
  assert.equal(headers['x-remote-uid'], 'u-1')
  const groups = headersDistinct['x-remote-group']?.map((each) => Buffer.from(each, 'latin1').toString())
  assert.deepEqual(groups, ['system:masters', 'größe'])
  assert.deepEqual(headersDistinct['x-remote-extra-example.com%2fscope'], ['a', 'b'])
  assert.equal(headers.host, 'ext.default.svc')
  assert.equal(headers['content-length'], '7')
  for (const name of ['x-remote-extra-scope', 'impersonate-nothing', 'authorization']) assert.equal(headers[name], undefined, name)
  assert.equal(caller, 'front-proxy-client')
})

test('who may not is refused before anybody is dialled', async (context) => {
  const { api, seen, server, serve } = await scene(context)
  await serve()
  const before = server.connections
  const nobody = { name: 'nobody', groups: ['system:authenticated'] }
  assert.equal((await api.request('GET', `${PATH}/namespaces/a/things`, undefined, {}, nobody)).status, 403)
  assert.equal((await api.request('GET', `${PATH}/namespaces/a/things?watch=yes`)).status, 400)
  assert.equal((await api.request('GET', `${PATH}/namespaces/a/things/x/proxy/%2e%2e/y`)).status, 404)
  assert.equal((await api.request('GET', `${PATH}/things`, undefined, {}, { name: 'a\nb', groups: ['system:masters'] })).status, 400)
  assert.deepEqual([seen.length, server.connections], [0, before])
})

test('a watch is streamed, and ends when its client goes', async (context) => {
  const { api, serve, answer } = await scene(context)
  await serve()
  const gone = Promise.withResolvers<void>()
  answer((_, response) => {
    response.on('close', gone.resolve)
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"type":"ADDED"}\n')
  })
  const leaving = new AbortController()
  const path = `${PATH}/namespaces/a/things?watch=true`
  const response = await api.transport(admin).send({ method: 'GET', path, headers: {}, signal: leaving.signal })
  for await (const chunk of response.chunks()) {
    assert.equal(Buffer.from(chunk).toString(), '{"type":"ADDED"}\n')
    break
  }
  leaving.abort()
  await gone.promise
})

test('redirects are refused, and a server that hangs up is 503', async (context) => {
  const { api, serve, answer } = await scene(context)
  await serve()
  answer((_, response) => response.writeHead(302, { location: 'https://169.254.169.254/' }).end())
  const redirected = await api.request('GET', `${PATH}/things`)
  assert.deepEqual([redirected.status, redirected.json['kind'], redirected.header('location')], [502, 'Status', undefined])
  answer((request) => request.socket.destroy())
  const broken = await api.request('GET', `${PATH}/things`)
  assert.deepEqual([broken.status, broken.json['reason']], [503, 'ServiceUnavailable'])
})

test('another protocol goes through, with the same words', async (context) => {
  const { api, serve, seen, server } = await scene(context, { listen: true })
  await serve()
  server.onUpgrade((request: IncomingMessage, socket: Duplex) => {
    seen.push(request)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  const pki = (file: string) => readFileSync(`${api.dataDir}/pki/${file}`, 'utf8')
  const { hostname, port } = new URL(api.server.url)
  const socket = connect({
    host: hostname,
    port: Number(port),
    ca: pki('ca.crt'),
    cert: pki('admin.crt'),
    key: pki('admin.key'),
    servername: 'kubernetes',
  })
  context.after(() => socket.destroy())
  socket.write(
    `GET ${PATH}/namespaces/a/things/x/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Remote-User: root\r\n\r\n`,
  )
  let said = ''
  for await (const chunk of socket) {
    said += String(chunk)
    if (said.endsWith('\r\n\r\n')) socket.write('hello')
    if (said.endsWith('hello')) break
  }
  assert.match(said, /^HTTP\/1.1 101/)
  assert.deepEqual(seen[0]?.headersDistinct['x-remote-user'], ['kubernetes-admin'])
})

test('the condition Available says what is missing, and requests are 503 until nothing is', async (context) => {
  const { api, install, server } = await scene(context)
  await install({ caBundle: Buffer.from((await serverPapers({})).authority).toString('base64') })
  assert.equal(await available(api, 'ServiceNotFound'), 'service/ext in "default" is not present')
  const refused = await api.request('GET', `${PATH}/things`)
  assert.deepEqual([refused.status, refused.json['kind'], refused.json['reason']], [503, 'Status', 'ServiceUnavailable'])
  const client = api.client()
  const name = { namespace: 'default', name: 'ext' }
  await client.create('v1', 'Service', { metadata: { name: 'ext' }, spec: { ports: [{ port: 80 }] } }, { namespace: 'default' })
  assert.equal(await available(api, 'ServicePortError'), 'service/ext in "default" is not listening on port 443')
  await client.patch('v1', 'Service', name, { type: 'merge', body: { spec: { ports: [{ port: 443 }] } } })
  await available(api, 'EndpointsNotFound')
  await makeEndpoints(api, server.port)
  assert.match(
    await available(api, 'FailedDiscoveryCheck'),
    /failing or missing response from https:\/\/ext\.default\.svc:443\/apis.*unknown authority/,
  )
  const patch = (spec: object) => client.patch(API, 'APIService', { name: `v1.${GROUP}` }, { type: 'merge', body: { spec } })
  await patch({ caBundle: null, insecureSkipTLSVerify: true })
  assert.equal(await available(api, 'Passed'), 'all checks passed')
  assert.equal((await api.request('GET', `${PATH}/things`)).status, 200)
  await client.patch(
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { namespace: 'default', name: 'ext-1' },
    { type: 'merge', body: { endpoints: [] } },
  )
  await available(api, 'MissingEndpoints')
})

test('discovery shows what the other server serves, and what is not known any more as stale', async (context) => {
  const { api, serve } = await scene(context)
  await serve()
  const groups = (await api.request('GET', '/apis')).json['groups'] as { name: string; preferredVersion: object }[]
  assert.deepEqual(groups.at(-1)?.name, GROUP, 'the lowest priority is last')
  assert.equal((await api.request('GET', `/apis/${GROUP}`)).json['name'], GROUP)
  assert.equal((await api.request('GET', PATH)).status, 200)
  const aggregated = async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    const { items } = (await api.request('GET', '/apis', undefined, { accept })).json as unknown as {
      items: { metadata: { name: string }; versions: object[] }[]
    }
    return items.find(({ metadata }) => metadata.name === GROUP)?.versions
  }
  const kind = { group: GROUP, version: 'v1', kind: 'Thing' }
  const things = {
    ...{
      resource: 'things',
      responseKind: kind,
      scope: 'Namespaced',
      singularResource: 'thing',
      verbs: ['get', 'list', 'watch'],
      shortNames: ['th'],
    },
    subresources: [{ subresource: 'status', responseKind: kind, verbs: ['get'] }],
  }
  assert.deepEqual(await aggregated(), [{ version: 'v1', resources: [things], freshness: 'Current' }])
  await api.client().delete('v1', 'Service', { namespace: 'default', name: 'ext' })
  await available(api, 'ServiceNotFound')
  assert.deepEqual(await aggregated(), [{ version: 'v1', resources: [things], freshness: 'Stale' }])
  await api.client().delete(API, 'APIService', { name: `v1.${GROUP}` })
  assert.equal((await api.request('GET', `/apis/${GROUP}`)).status, 404)
})

test('the OpenAPI v3 document of the other server is listed, and passed on', async (context) => {
  const { api, serve, answer } = await scene(context)
  assert.equal((await api.request('GET', `/openapi/v3${PATH}`)).status, 404)
  await serve()
  answer(({ url }, response) => response.end(JSON.stringify({ url })))
  const { paths } = (await api.request('GET', '/openapi/v3')).json as { paths: Record<string, object> }
  assert.deepEqual(paths[PATH.slice(1)], { serverRelativeURL: DOCUMENT })
  assert.ok(paths['apis/apps/v1'], 'ours are still there')
  assert.deepEqual((await api.request('GET', DOCUMENT)).json, { url: DOCUMENT })
})

test('an APIService of metrics.k8s.io takes the place of what this server makes itself', async (context) => {
  const { api, server } = await scene(context)
  await makeService(api)
  await makeEndpoints(api, server.port)
  const name = 'v1beta1.metrics.k8s.io'
  assert.match((await api.request('GET', '/apis/metrics.k8s.io/v1beta1/nodes')).text, /NodeMetricsList/)
  const service = { namespace: 'default', name: 'ext' }
  const body = { spec: { service, caBundle: server.caBundle } }
  await api.client().patch(API, 'APIService', { name }, { type: 'merge', body })
  await available(api, 'Passed', name)
  assert.match((await api.request('GET', '/apis/metrics.k8s.io/v1beta1/nodes')).text, /ThingList/)
})
