import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { makeOwnCertificate } from '../../ingress/tls/own-certificate.ts'
import { eventually } from '../harness/eventually.ts'
import { ingressBench, rule, selfSigned } from '../harness/ingress-bench.ts'
import { ask } from '../harness/ingress-client.ts'
import { soon } from '../harness/soon.ts'

/** The common name of the certificate that is shown for a name. */
async function shown(port: number, servername?: string): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) })
  await once(socket, 'secureConnect')
  const subject = String(socket.getPeerX509Certificate()?.subject)
  socket.destroy()
  return subject
}

test('each host has the certificate of its Secret; others get one of ours; a wildcard is for one label', async (t) => {
  const bench = await ingressBench(t)
  await bench.certificate('one', 'one.example.com')
  await bench.certificate('wild', '*.example.org')
  const backend = { defaultBackend: { service: { name: 'web', port: { number: 80 } } } }
  await bench.expose('one', { ...backend, tls: [{ hosts: ['one.example.com'], secretName: 'one' }] })
  // Without hosts: for those of its rules.
  await bench.expose('wild', { rules: [rule('web', '*.example.org')], tls: [{ secretName: 'wild' }] })
  const { https } = bench.ingress.ports
  await soon(async () => assert.equal(await shown(https, 'one.example.com'), 'CN=one.example.com'))
  await soon(async () => assert.equal(await shown(https, 'a.example.org'), 'CN=*.example.org'))
  for (const name of ['two.example.com', 'a.b.example.org', 'example.org', undefined]) {
    assert.equal(await shown(https, name), 'CN=Coxswain Ingress\\, self-signed', name)
  }
})

test('a Secret that changes counts at once, without a restart or a broken request; one that breaks harms nobody, and its author hears of it', async (t) => {
  const bench = await ingressBench(t)
  const pod = await bench.pod((_request, response) => response.end('hello'))
  await bench.service('web', [pod])
  const first = await bench.certificate('web-tls', 'web.example.com')
  const other = await bench.certificate('other-tls', 'other.example.com')
  const hosts = ['web.example.com', 'other.example.com']
  const tls = [
    { hosts: [hosts[0]!], secretName: 'web-tls' },
    { hosts: [hosts[1]!], secretName: 'other-tls' },
  ]
  await bench.expose('web', { rules: hosts.map((host) => rule('web', host)), tls })
  const { https: port } = bench.ingress.ports
  await soon(async () => assert.equal((await ask({ port, trusting: first })).text, 'hello'))
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: first, servername: 'web.example.com' })
  t.after(() => session.destroy())
  const overOldConnection = async () => {
    const stream = session.request({ ':path': '/', ':authority': 'web.example.com' })
    const [headers] = await once(stream, 'response')
    stream.resume()
    await once(stream, 'end')
    return headers[':status']
  }
  assert.equal(await overOldConnection(), 200)

  const second = await bench.certificate('web-tls', 'web.example.com')
  await soon(async () => assert.equal((await ask({ port, trusting: second })).status, 200))
  await assert.rejects(ask({ port, trusting: first }), /self-signed|signature/)
  assert.equal(await overOldConnection(), 200, 'connections from before go on')

  const foreignKey = Buffer.from(selfSigned('x').key).toString('base64')
  await bench.client.patch(
    'v1',
    'Secret',
    { namespace: 'default', name: 'web-tls' },
    { type: 'merge', body: { data: { 'tls.key': foreignKey } } },
  )
  const [event] = await eventually(bench.client, ['v1', 'Event'], (events) => events.some(({ reason }) => reason === 'BadCertificate'))
  assert.equal(
    event?.message,
    'Secret default/web-tls cannot be used for web.example.com: tls.key does not belong to the certificate in tls.crt; the certificate from before is shown instead',
  )
  assert.equal(event?.involvedObject.name, 'web')
  assert.equal((await ask({ port, trusting: second })).status, 200)
  assert.equal((await ask({ port, host: 'other.example.com', trusting: other })).status, 200)
})

test('what is wrong with a certificate is said: none there, no PEM, run out, for another host', async (t) => {
  const bench = await ingressBench(t)
  await bench.certificate('other', 'other.example.com')
  const old = await makeOwnCertificate(Date.now() - 11 * 365 * 24 * 60 * 60 * 1000)
  const expired = new X509Certificate(old.cert)
  assert.ok(expired.validToDate.getTime() < Date.now())
  const secret = (name: string, cert: string, key: string) =>
    bench.client.create('v1', 'Secret', { metadata: { namespace: 'default', name }, stringData: { 'tls.crt': cert, 'tls.key': key } })
  await secret('junk', 'junk', 'junk')
  await secret('expired', old.cert, old.key)
  const tls = ['gone', 'junk', 'expired', 'other'].map((secretName) => ({ hosts: [`${secretName}-host.example.com`], secretName }))
  await bench.expose('web', { defaultBackend: { service: { name: 'web', port: { number: 80 } } }, tls })
  const events = await eventually(bench.client, ['v1', 'Event'], (all) => all.length >= 5)
  assert.deepEqual(events.map(({ reason, message }) => `${reason}: ${message}`).sort(), [
    'BackendNotFound: there is no Service default/web',
    'BadCertificate: Secret default/gone cannot be used for gone-host.example.com: there is no such Secret; a certificate of ours, which browsers refuse, is shown instead',
    'BadCertificate: Secret default/junk cannot be used for junk-host.example.com: tls.crt holds no certificate in PEM; a certificate of ours, which browsers refuse, is shown instead',
    `CertificateExpired: the certificate in Secret default/expired for expired-host.example.com has run out on ${expired.validTo}`,
    'CertificateForOtherHost: the certificate in Secret default/other is not for other-host.example.com',
  ])
})

test('HTTP is led to HTTPS where a host has TLS, to the port that clients know; an annotation turns that off', async (t) => {
  const bench = await ingressBench(t, ['--published-https-port=443'])
  const pod = await bench.pod((_request, response) => response.end('plain'))
  await bench.service('web', [pod])
  const tls = [{ hosts: ['web.example.com', 'off.example.com'] }]
  await bench.expose('off', { rules: [rule('web', 'off.example.com')], tls }, { 'ingress.coxswain/https-redirect': 'false' })
  await bench.expose('web', { rules: [rule('web'), rule('web', 'plain.example.com')], tls })
  const { http: port } = bench.ingress.ports
  await soon(async () => assert.equal((await ask({ port, path: '/a?b=c' })).headers.location, 'https://web.example.com/a?b=c'))
  assert.equal((await ask({ port })).status, 301)
  assert.equal((await ask({ port, method: 'POST', body: 'x' })).status, 308)
  assert.equal((await ask({ port, host: 'plain.example.com' })).text, 'plain')
  assert.equal((await ask({ port, host: 'off.example.com' })).text, 'plain')
  // A stranger's Host leads nowhere else.
  assert.equal((await ask({ port, host: 'evil.example.net' })).status, 404)
})
