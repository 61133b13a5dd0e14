import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { settings } from '../../dashboard/config.ts'
import { createDashboard, type DashboardService } from '../../dashboard/create-dashboard.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { readConfig } from '../../shared/process/config.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { buildDashboard } from '../../tools/build-dashboard.ts'
import { type ServedApi, serveApi } from '../harness/served-api.ts'

interface Answer {
  readonly code: number
  readonly text: string
  readonly headers: IncomingHttpHeaders
}

describe('the dashboard’s server', { timeout: 60_000 }, () => {
  let api: ServedApi
  let dashboard: DashboardService
  let token: string
  let ahead = 0
  before(async () => {
    ;[api] = await Promise.all([serveApi(), buildDashboard()])
    const real = realClock()
    const clock = { ...real, monotonic: () => real.monotonic() + ahead }
    const kubeconfig = join(api.directory, 'credentials/dashboard/dashboard.kubeconfig')
    const args = [`--kubeconfig=${kubeconfig}`, '--port=0', '--health-port=0', '--allowed-hosts=board.example.com']
    const config = readConfig({ name: 'dashboard', summary: '' }, settings, { args, env: {} })
    dashboard = createDashboard(config, { clock, random: systemRandom(), log: silentLogger() })
    await dashboard.start()
    await api.call(api.admin, 'POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'someone' } })
    const made = await api.call(api.admin, 'POST', '/api/v1/namespaces/default/serviceaccounts/someone/token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    })
    token = made.body.status.token
  })
  after(async () => {
    await dashboard?.stop()
    await api?.stop()
  })

  const ask = (
    path: string,
    { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ) =>
    new Promise<Answer>((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port: dashboard.port, path, method, headers: { connection: 'close', ...headers } },
        (answer) => {
          let text = ''
          answer.setEncoding('utf8').on('data', (part) => (text += part))
          answer.on('end', () => resolve({ code: answer.statusCode ?? 0, text, headers: answer.headers }))
        },
      )
      asked.on('error', reject).end(body)
    })
  const bearer = () => ({ authorization: `Bearer ${token}` })
  const json = { 'content-type': 'application/json' }
  const post = (path: string, body: object, headers = {}) =>
    ask(path, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) })

  it('sends the page for every place of the page, with a policy that lets nothing in, and files with their content’s name for ever', async () => {
    const page = await ask('/kinds/core/pods?namespace=a')
    assert.equal(page.code, 200)
    const policy = String(page.headers['content-security-policy'])
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      assert.ok(policy.split('; ').includes(rule), `${rule} in ${policy}`)
    }
    const script = /\/assets\/[\w.-]+\.js/.exec(page.text)?.[0] ?? ''
    const file = await ask(script)
    assert.match(String(file.headers['cache-control']), /immutable/)
    assert.equal((await ask('/assets/none.js')).code, 404)
    assert.doesNotMatch(page.text, /https?:\/\//, 'nothing comes from elsewhere')
  })

  it('asks the API server as whose token it is, and as nobody else', async () => {
    const who = (headers: Record<string, string>) =>
      post(
        '/cluster/apis/authentication.k8s.io/v1/selfsubjectreviews',
        { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
        headers,
      )
    const mine = await who({ ...bearer(), 'impersonate-user': 'kubernetes-admin', 'x-remote-user': 'kubernetes-admin', cookie: 'a=b' })
    assert.equal(JSON.parse(mine.text).status.userInfo.username, 'system:serviceaccount:default:someone')
    assert.match(String(mine.headers['content-security-policy']), /sandbox/)
    const refused = await ask('/cluster/api/v1/nodes', { headers: bearer() })
    assert.equal(refused.code, 403)
    assert.match(JSON.parse(refused.text).message, /cannot list resource "nodes"/)
    for (const authorization of ['', 'Basic YTpi', 'Bearer']) {
      const { code } = await ask('/cluster/api/v1/nodes', authorization === '' ? {} : { headers: { authorization } })
      assert.equal(code, 401, authorization)
    }
    assert.equal((await ask('/cluster/api/v1/nodes', { headers: { authorization: 'Bearer nonsense' } })).code, 401)
  })

  for (const [what, headers, isPage] of [
    ['a name that was rebound', { host: 'evil.example.com' }, true],
    ['another origin', { origin: 'http://evil.example.com' }, false],
    ['another port of this machine', { origin: 'http://127.0.0.1:8080' }, false],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }, false],
    ['a page of another port', { 'sec-fetch-site': 'same-site' }, false],
  ] as const) {
    it(`refuses ${what}`, async () => {
      assert.equal((await ask('/cluster/version', { headers: { ...bearer(), ...headers } })).code, 403)
      assert.equal((await post('/session', { code: 'x' }, headers)).code, 403)
      assert.equal((await ask('/', { headers })).code, isPage ? 403 : 200)
      const socket = new WebSocket(`ws://127.0.0.1:${dashboard.port}/live`, { headers })
      const [error] = await once(socket, 'error')
      assert.match(error.message, /403/)
    })
  }

  it('is called by the names it was told, too', async () => {
    assert.equal((await ask('/cluster/version', { headers: { ...bearer(), host: 'board.example.com:8088' } })).code, 200)
  })

  it('a link opens once, and not after ten minutes; nobody’s token makes none', async () => {
    const link = async () => JSON.parse((await post('/session/link', { token })).text).code as string
    const code = await link()
    assert.doesNotMatch(code, /\./, 'a code, and no token')
    const opened = await post('/session', { code })
    assert.equal(JSON.parse(opened.text).token, token)
    assert.equal(opened.headers['cache-control'], 'no-store')
    assert.match((await post('/session', { code })).text, /used already/)
    const late = await link()
    ahead += 10 * 60_000 + 1
    assert.equal((await post('/session', { code: late })).code, 401)
    assert.equal((await post('/session/link', { token: 'nonsense' })).code, 401)
    for (const body of ['', '[]', '{"code":7}', '{', '{"code":"a b"}']) {
      assert.equal((await ask('/session', { method: 'POST', headers: json, body })).code, 400, body)
    }
  })

  it('a socket follows what its token may see, says refusals, and ends on nonsense', async () => {
    const open = async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${dashboard.port}/live`)
      await once(socket, 'open')
      return socket
    }
    const say = (socket: WebSocket, message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    const socket = await open()
    const heard: string[] = []
    const ended = new Promise<void>((resolve) =>
      socket.on('message', (data: Buffer) => {
        heard.push(data.toString())
        if (data.toString().startsWith('e1')) resolve()
      }),
    )
    say(socket, { say: 'token', token })
    say(socket, { say: 'open', id: 1, path: '/api/v1/pods?watch=true', accept: 'application/json' })
    await ended
    assert.equal(heard[0], 'b1\n403')
    assert.match(heard[1] ?? '', /^d1\n.*pods is forbidden/)
    socket.close()
    for (const message of [
      'x',
      '[]',
      '{"say":"dance"}',
      { say: 'open', id: 1, path: '/version', accept: 'a' },
      { say: 'open', id: 1, path: 'version', accept: 'a' },
      { say: 'token', token: 'a\r\nx-remote-user: b' },
    ]) {
      const bad = await open()
      say(bad, message)
      const [code] = await once(bad, 'close')
      assert.equal(code, 1008, JSON.stringify(message))
    }
  })

  it('a body that is too large is refused, and a server that is away is said', async () => {
    const large = await ask('/cluster/api/v1/namespaces', {
      method: 'POST',
      headers: { ...bearer(), ...json },
      body: 'x'.repeat(3 * 1024 * 1024 + 1),
    })
    assert.equal(large.code, 413)
    await api.server.stop()
    const gone = await ask('/cluster/version', { headers: bearer() })
    assert.equal(gone.code, 503)
    assert.match(JSON.parse(gone.text).message, /the API server cannot be reached/)
  })
})
