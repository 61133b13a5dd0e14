import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect } from 'node:tls'
import { issueAuthority, issueCertificate } from '../../shared/certificates/issue-certificate.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { Metrics } from '../../shared/metrics/metrics.ts'
import { realClock } from '../../shared/time/clock.ts'
import { soon } from '../../test/harness/soon.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { createKubeletServer } from './server.ts'

/** A kubelet's server that serves no pods, and ways to come to it. */
async function door(t: TestContext, more: { headMilliseconds?: number } = {}) {
  const life = { notBefore: 0, notAfter: 2e12 }
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const text = ({ privateKey }: ReturnType<typeof pair>) => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const [root, serving, client] = [pair(), pair(), pair()]
  const issuer = { certificate: await issueAuthority(root, { commonName: 'ca', ...life }), key: text(root) }
  const subject = { commonName: 'apiserver', organizations: ['system:masters'] }
  const issue = (publicKey: typeof serving.publicKey, usage: 'serverAuth' | 'clientAuth') =>
    issueCertificate(issuer, { subject, publicKey, ...life, usages: [usage] })
  const mine = { cert: await issue(client.publicKey, 'clientAuth'), key: text(client) }
  const metrics = new Metrics()
  const server = createKubeletServer({
    ...{ host: '127.0.0.1', port: 0, clientAuthority: issuer.certificate, health: () => undefined },
    certificate: { certificate: await issue(serving.publicKey, 'serverAuth'), key: text(serving) },
    pods: { list: () => [] },
    runtime: {} as ContainerRuntime, // no route of this test comes to it
    stats: { summary: async () => ({}), resources: async () => '', containers: async () => '', volumes: async () => '' },
    ...{ metrics, clock: realClock(), log: silentLogger(), configuration: { maxPods: 7 }, ...more },
  })
  const port = await server.start()
  const sockets: Socket[] = []
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    await server.stop()
  })
  const seen = <S extends Socket>(socket: S) => {
    sockets.push(socket)
    const state = { socket, text: '', isClosed: false }
    socket.on('error', () => {})
    socket.on('close', () => (state.isClosed = true))
    socket.on('data', (chunk: Buffer) => (state.text += chunk.toString()))
    return state
  }
  const encrypted = async (certificate: object) => {
    const state = seen(connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...certificate }))
    await once(state.socket, 'secureConnect')
    return state
  }
  return {
    ...{ metrics, asStranger: () => encrypted({}), asApiServer: () => encrypted(mine) },
    /** Connects, and says nothing. */
    silent: async () => {
      const state = seen(connectTcp({ host: '127.0.0.1', port }))
      await once(state.socket, 'connect')
      return state
    },
  }
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: node\r\n${more}\r\n`

test('the API server gets in however many strangers stand at the door, and those who stand longest go first', async (t) => {
  const { silent, asApiServer, metrics } = await door(t)
  const first = await asApiServer()
  const strangers: Awaited<ReturnType<typeof silent>>[] = []
  for (let n = 0; n < inputLimits.strangerConnections + 8; n++) strangers.push(await silent())
  await soon(() => assert.equal(strangers.filter(({ isClosed }) => isClosed).length, 8))
  assert.ok(strangers.slice(0, 8).every(({ isClosed }) => isClosed))
  const second = await asApiServer()
  for (const known of [first, second]) {
    known.socket.write(get('/healthz'))
    await soon(() => assert.match(known.text, /^HTTP\/1\.1 200 .*ok$/s))
  }
  const count = /^kubelet_stranger_connections (\d+)/m.exec(metrics.render())?.[1]
  assert.ok(Number(count) <= inputLimits.strangerConnections, count)
})

test('a stranger is told so, and the connection ends', async (t) => {
  const { asStranger, asApiServer } = await door(t)
  const stranger = await asStranger()
  stranger.socket.write(get('/pods'))
  await soon(() => assert.ok(stranger.isClosed))
  assert.match(stranger.text, /^HTTP\/1\.1 401 /)
  const known = await asApiServer()
  for (let n = 1; n <= 2; n++) {
    known.socket.write(get('/healthz'))
    await soon(() => assert.equal(known.text.match(/HTTP\/1\.1 200/g)?.length, n))
  }
})

test('a stranger’s head and body are short; the API server’s command may be long', async (t) => {
  const { asStranger, asApiServer } = await door(t)
  const long = 'x'.repeat(4 * inputLimits.strangerBytes)
  const head = await asStranger()
  head.socket.write(`GET /pods?${long}`)
  await soon(() => assert.ok(head.isClosed))
  assert.equal(head.text, '')
  const known = await asApiServer()
  known.socket.write(get(`/healthz?command=${long}`))
  await soon(() => assert.match(known.text, /^HTTP\/1\.1 200 /))
})

test('who says nothing, or half of something, does not stay; the API server may think between two requests', async (t) => {
  const { silent, asStranger, asApiServer } = await door(t, { headMilliseconds: 500 })
  const [dumb, shy, slow] = [await silent(), await asStranger(), await asStranger()]
  slow.socket.write('GET /pods HTTP/1.1\r\nHost:')
  const known = await asApiServer()
  known.socket.write(get('/configz'))
  await soon(() => assert.match(known.text, /^HTTP\/1\.1 200 .*{"kubeletconfig":{"maxPods":7}}$/s))
  await soon(() => assert.deepEqual([dumb.isClosed, shy.isClosed, slow.isClosed], [true, true, true]))
  known.socket.write(get('/healthz'))
  await soon(() => assert.match(known.text, /ok$/))
})
