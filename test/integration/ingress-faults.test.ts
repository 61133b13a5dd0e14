import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { ingressBench, rule } from '../harness/ingress-bench.ts'
import { ask } from '../harness/ingress-client.ts'
import { soon } from '../harness/soon.ts'

test('where there is nobody to ask, the page says why: no rule, no Service, no port, no Pod', async (t) => {
  const bench = await ingressBench(t)
  const { http: port } = bench.ingress.ports
  await bench.service('empty', [])
  const backend = (name: string, number: number) => ({ service: { name, port: { number } } })
  const paths = [
    { path: '/gone', pathType: 'Prefix', backend: backend('gone', 80) },
    { path: '/port', pathType: 'Prefix', backend: backend('empty', 81) },
    { path: '/empty', pathType: 'Prefix', backend: backend('empty', 80) },
    { path: '/bucket', pathType: 'Prefix', backend: { resource: { apiGroup: 'example.com', kind: 'Bucket', name: 'a' } } },
  ]
  await bench.expose('web', { rules: [{ host: 'web.example.com', http: { paths } }] })
  await soon(async () => assert.equal((await ask({ port, path: '/gone' })).status, 503))
  for (const [path, status, text] of [
    ['/gone', 503, '503 there is no Service default/gone\n'],
    ['/port', 503, '503 Service default/empty has no port 81\n'],
    ['/empty', 503, '503 Service default/empty has no endpoint that is ready\n'],
    ['/bucket', 503, '503 the Ingress leads to an object that is no Service: those are not served here\n'],
    ['/else', 404, '404 no Ingress has a rule for web.example.com /else\n'],
  ] as const) {
    const answer = await ask({ port, path })
    assert.deepEqual([answer.status, answer.text, answer.headers['content-type']], [status, text, 'text/plain; charset=utf-8'], path)
  }
  const events = await eventually(bench.client, ['v1', 'Event'], (all) => all.length >= 3)
  assert.deepEqual(events.map(({ reason, message }) => `${reason}: ${message}`).sort(), [
    'BackendNotFound: Service default/empty has no port 81',
    'BackendNotFound: there is no Service default/gone',
    'BackendNotServed: a backend that is no Service is not served here: its requests are answered 503',
  ])
})

test('the status of our Ingresses says where they are served; of others it is left alone; again when somebody empties it', async (t) => {
  const bench = await ingressBench(t, [
    '--published-http-port=80',
    '--published-https-port=443',
    '--publish-address=192.0.2.7,edge.example.com',
  ])
  const kind = ['networking.k8s.io/v1', 'Ingress'] as const
  const defaultBackend = { service: { name: 'web', port: { number: 80 } } }
  await bench.expose('theirs', { defaultBackend, ingressClassName: 'other' })
  await bench.expose('ours', { defaultBackend, tls: [{ hosts: ['web.example.com'] }] })
  const isWritten = (all: { status: { loadBalancer: { ingress?: unknown[] | undefined } } }[]) =>
    all.some(({ status }) => status.loadBalancer.ingress?.length === 2)
  const points = async () =>
    (await eventually(bench.client, kind, isWritten)).map(({ metadata, status }) => [metadata.name, status.loadBalancer])
  const ports = [
    { port: 80, protocol: 'TCP' },
    { port: 443, protocol: 'TCP' },
  ]
  const expected = [
    [
      'ours',
      {
        ingress: [
          { ip: '192.0.2.7', ports },
          { hostname: 'edge.example.com', ports },
        ],
      },
    ],
    ['theirs', {}],
  ]
  assert.deepEqual((await points()).sort(), expected)
  const name = { namespace: 'default', name: 'ours' }
  await bench.client.patch(...kind, name, { type: 'merge', body: { status: { loadBalancer: null } }, subresource: 'status' })
  assert.deepEqual((await points()).sort(), expected)
})

test('a Pod that dies under load loses no request that only reads; what must not be done twice is not', async (t) => {
  const bench = await ingressBench(t)
  const { http: port } = bench.ingress.ports
  const served: string[] = []
  const good = await bench.pod((_request, response) => response.end('good'))
  // Takes a request and breaks off: the worst moment to die.
  const dying = await bench.podOf(
    createServer((socket) =>
      socket
        .on('error', () => undefined)
        .once('data', (head) => {
          served.push(String(head).split(' ')[0] ?? '')
          socket.destroy()
        }),
    ),
  )
  await bench.service('web', [good, dying])
  await bench.expose('web', { rules: [rule('web')] })
  await soon(async () => assert.equal((await ask({ port })).status, 200))
  const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => ask({ port, method: ['GET', 'HEAD', 'OPTIONS'][index % 3]! })))
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
  assert.ok(served.length > 0, 'some of them were taken by the one that dies')
  const before = served.filter((method) => method === 'POST').length
  const changes = await Promise.all(Array.from({ length: 40 }, () => ask({ port, method: 'POST', body: 'x' })))
  const lost = changes.filter(({ status }) => status === 502)
  assert.equal(
    served.filter((method) => method === 'POST').length - before,
    lost.length,
    'each that was taken is told to have failed, and asked once',
  )
  assert.ok(lost.length > 0 && lost.length < 40)
  assert.match(lost[0]?.text ?? '', /^502 the Pod gave no answer: 10\.244\.0\.3:8080: /)
})

test('a Pod that cannot be reached costs nobody anything: another is asked, with the body too, and it is left in peace for a while', async (t) => {
  const bench = await ingressBench(t, ['--connect-timeout=300ms'])
  const { http: port } = bench.ingress.ports
  const good = await bench.pod((incoming, response) => void incoming.pipe(response))
  const nobody = { address: '10.244.9.9', port: 8080 }
  await bench.service('web', [good, nobody])
  await bench.expose('web', { rules: [rule('web')] })
  await soon(async () => assert.equal((await ask({ port })).status, 200))
  const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => ask({ port, method: 'POST', body: `body ${index}` })))
  assert.deepEqual(
    answers.map(({ text }) => text),
    Array.from({ length: 30 }, (_, index) => `body ${index}`),
  )
  const tries = bench.lines.filter(({ message, fields }) => message === 'request' && fields['tries'] === 2)
  assert.ok(tries.length > 0 && tries.length < 31, `${tries.length} were asked twice`)
  await bench.service('web', [nobody])
  await soon(async () => assert.equal((await ask({ port })).status, 502))
})

test('a free connection that the Pod closes meanwhile is no reason to fail', async (t) => {
  const bench = await ingressBench(t)
  const { http: port } = bench.ingress.ports
  // Closes each connection when the second request arrives on it, as a server does whose time for free connections is over.
  const sockets = new Map<Socket, number>()
  const pod = await bench.podOf(
    createServer((socket) =>
      socket
        .on('error', () => undefined)
        .on('data', () => {
          const count = (sockets.get(socket) ?? 0) + 1
          sockets.set(socket, count)
          if (count === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
          else socket.destroy()
        }),
    ),
  )
  await bench.service('web', [pod])
  await bench.expose('web', { rules: [rule('web')] })
  await soon(async () => assert.equal((await ask({ port })).status, 200))
  for (let time = 0; time < 10; time++) assert.equal((await ask({ port })).text, 'ok')
  assert.ok([...sockets.values()].includes(2), 'it did happen')
})

test('Pods come and go while people ask: none of their requests is lost, and those under way end where they began', async (t) => {
  const bench = await ingressBench(t)
  const { http: port } = bench.ingress.ports
  const waiting: (() => void)[] = []
  const pods = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) =>
      bench.pod((incoming, response) => {
        if (incoming.url === '/slow') waiting.push(() => response.end(name))
        else response.end(name)
      }),
    ),
  )
  await bench.service('web', pods.slice(0, 1))
  await bench.expose('web', { rules: [rule('web')] })
  await soon(async () => assert.equal((await ask({ port })).status, 200))
  const slow = ask({ port, path: '/slow' })
  await soon(() => assert.equal(waiting.length, 1))
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  let isOver = false
  const seen = new Map<string, number>()
  const person = async () => {
    while (!isOver) {
      const { status, text } = await ask({ port, agent })
      seen.set(`${status} ${text}`, (seen.get(`${status} ${text}`) ?? 0) + 1)
    }
  }
  const people = [person(), person(), person()]
  for (let round = 0; round < 3; round++) {
    for (const pod of pods) {
      const others = pods.filter((each) => each !== pod)
      await bench.service('web', [...others, { ...pod, conditions: { ready: false, serving: true, terminating: true } }])
      await bench.service('web', others)
    }
  }
  await bench.service('web', pods.slice(3))
  waiting[0]?.()
  assert.equal((await slow).text, 'a')
  isOver = true
  await Promise.all(people)
  assert.deepEqual(
    [...seen.keys()].filter((key) => !key.startsWith('200 ')),
    [],
  )
  assert.ok(seen.size > 1, 'by several Pods')
  await soon(async () => {
    const last = await ask({ port })
    assert.equal(last.text, 'd')
  })
})

test('the least busy Pod is asked', async (t) => {
  const bench = await ingressBench(t)
  const { http: port } = bench.ingress.ports
  const held = { a: 0, b: 0 }
  const open: (() => void)[] = []
  const holding = (name: 'a' | 'b') =>
    bench.pod((incoming, response) => {
      if (incoming.url !== '/hold') return void response.end(name)
      held[name]++
      open.push(() => response.end(name))
    })
  await bench.service('web', [await holding('a'), await holding('b')])
  await bench.expose('web', { rules: [rule('web')] })
  await soon(async () => assert.equal((await ask({ port })).status, 200))
  const asked: Promise<unknown>[] = []
  for (let count = 1; count <= 10; count++) {
    asked.push(ask({ port, path: '/hold' }))
    await soon(() => assert.equal(open.length, count))
    assert.ok(Math.abs(held.a - held.b) <= 1, `${held.a} and ${held.b}`)
  }
  for (const release of open) release()
  await Promise.all(asked)
})

test('a Pod that is silent, and one that stops in the middle, end with the time they have; an Ingress may give more', async (t) => {
  const bench = await ingressBench(t, ['--answer-timeout=150ms', '--idle-timeout=150ms'])
  const { http: port } = bench.ingress.ports
  const pod = await bench.pod((incoming, response) => {
    if (incoming.url === '/half') response.writeHead(200, { 'content-length': '10' }).write('half')
    if (incoming.url === '/late') setTimeout(() => response.end('late'), 400)
  })
  await bench.service('web', [pod])
  await bench.expose('web', { rules: [rule('web')] })
  await bench.expose('patient', { rules: [rule('web', 'patient.example.com')] }, { 'ingress.coxswain/answer-timeout': '10s' })
  await soon(async () => assert.equal((await ask({ port, host: 'patient.example.com', path: '/late' })).text, 'late'))
  const silent = await ask({ port, path: '/late' })
  assert.equal(silent.status, 504)
  assert.match(silent.text, /no answer in time/)
  await assert.rejects(ask({ port, path: '/half' }), /aborted|socket hang up/)
  const ended = () => bench.lines.filter(({ fields }) => fields['path'] === '/half').map(({ fields }) => fields['why'])
  await soon(() => assert.deepEqual(ended(), ['broken off']))
})
