/** examples/ingress.yaml as its reader tries it, from this machine through the edge; and what a rollout behind it does to those who ask. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import { eventually } from '../harness/eventually.ts'
import { selfSigned } from '../harness/ingress-bench.ts'
import { ask } from '../harness/ingress-client.ts'
import { soon } from '../harness/soon.ts'
import { isReady, useCluster } from './cluster.ts'

const cluster = await useCluster('shop')
const { kubectl, settings } = cluster
const folder = mkdtempSync(join(tmpdir(), 'ingress-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const { cert, key } = selfSigned('web.example.com')
const file = (name: string) => join(folder, name)
const request = { port: settings.httpsPort, trusting: cert }

test('https://web.example.com answers with the certificate of the Secret, and the Ingress says where it is served', async () => {
  writeFileSync(file('tls.crt'), cert)
  writeFileSync(file('tls.key'), key)
  await kubectl.ok(['create', 'secret', 'tls', 'web-tls', `--cert=${file('tls.crt')}`, `--key=${file('tls.key')}`])
  await kubectl.ok('apply -f examples/ingress.yaml')
  // The first pods of this cluster: their hosts pull the image.
  await cluster.pods('app=shop', 2, isReady, 120_000)
  const name = `web.example.com:${settings.httpsPort}`
  await soon(async () => assert.equal((await ask(request)).status, 200))
  const page = await outputOf('curl', ['-sS', '--http2', '--cacert', file('tls.crt'), '--resolve', `${name}:127.0.0.1`, `https://${name}/`])
  assert.match(page, /nginx/i)
  const led = await ask({ port: settings.httpPort, path: '/a' })
  assert.deepEqual([led.status, led.headers.location], [301, `https://${name}/a`])
  await eventually(
    cluster.client,
    ['networking.k8s.io/v1', 'Ingress'],
    (ingresses) => ingresses.some(({ status }) => status.loadBalancer.ingress?.[0]?.ip === '127.0.0.1'),
    { namespace: 'shop' },
  )
  assert.match(
    await kubectl.ok('get ingress'),
    /NAME +CLASS +HOSTS +ADDRESS +PORTS +AGE\nshop +coxswain +web.example.com +127.0.0.1 +80, 443/,
  )
})

test('a rolling update while people ask loses no request', async () => {
  const rollout = kubectl.ok('rollout restart deployment/shop').then(() => kubectl.ok('rollout status deployment/shop --timeout=120s'))
  let isOver = false
  const ended = rollout.finally(() => {
    isOver = true
  })
  const answers: number[] = []
  const person = async (method: string) => {
    while (!isOver) answers.push((await ask({ ...request, method })).status)
  }
  await Promise.all([ended, person('GET'), person('GET'), person('HEAD')])
  assert.ok(answers.length > 20, `${answers.length} answers`)
  assert.deepEqual(
    answers.filter((status) => status !== 200),
    [],
  )
  cluster.note(`a rollout behind the edge: ${answers.length} requests, all answered`)
})

test('the edge holds no key but its own, and cannot read a Secret that no Ingress names', async () => {
  const { id } = await cluster.service('edge')
  assert.equal(await outputOf('docker', ['exec', id, 'find', '/etc/coxswain', '-type', 'f']), '/etc/coxswain/edge/ingress.kubeconfig')
  await kubectl.ok('create secret generic other --from-literal=a=b')
  const as = '--as=coxswain:ingress'
  assert.match(await kubectl.fails(`get secret other ${as}`), /Forbidden/)
  assert.match(await kubectl.fails(`get secrets ${as}`), /Forbidden/)
  assert.match(await kubectl.ok(`get secret web-tls ${as}`), /kubernetes.io\/tls/)
})
