import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ingress, IngressClass, IngressSpec } from '../../shared/openapi/generated/networking-v1.ts'
import { comparedPath } from './request-path.ts'
import { buildRouteTable } from './route-table.ts'
import { servedIngresses } from './served-ingresses.ts'

const backend = (name: string) => ({ service: { name, port: { number: 80 } } })
const ingress = (name: string, spec: IngressSpec, metadata: object = {}) =>
  ({ metadata: { namespace: 'default', name, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata }, spec, status: {} }) as Ingress
type Paths = readonly (readonly [type: string, path: string, service?: string])[]
const rule = (host: string, paths: Paths) => ({
  host,
  http: { paths: paths.map(([pathType, path, service = `${pathType} ${path}`]) => ({ pathType, path, backend: backend(service) })) },
})
/** Which Service gets a request. */
const service = (table: ReturnType<typeof buildRouteTable>, host: string, target: string) =>
  table.find(host, comparedPath(target))?.backend?.service
const onePath = (pathType: string, path: string, target: string) =>
  service(buildRouteTable([ingress('a', { rules: [rule('', [[pathType, path, 'yes']])] })]), 'any', target) === 'yes'

test('a path fits as the table of examples in Kubernetes’ documentation says', () => {
  for (const [kind, path, target, fits] of [
    ['Prefix', '/', '/anything/at/all', true],
    ['Exact', '/foo', '/foo', true],
    ['Exact', '/foo', '/bar', false],
    ['Exact', '/foo', '/foo/', false],
    ['Exact', '/foo/', '/foo', false],
    ['Prefix', '/foo', '/foo', true],
    ['Prefix', '/foo', '/foo/', true],
    ['Prefix', '/foo/', '/foo', true],
    ['Prefix', '/foo/', '/foo/', true],
    ['Prefix', '/aaa/bb', '/aaa/bbb', false],
    ['Prefix', '/aaa/bbb', '/aaa/bbb', true],
    ['Prefix', '/aaa/bbb/', '/aaa/bbb', true],
    ['Prefix', '/aaa/bbb', '/aaa/bbb/', true],
    ['Prefix', '/aaa/bbb', '/aaa/bbb/ccc', true],
    ['Prefix', '/aaa/bbb', '/aaa/bbbxyz', false],
    ['ImplementationSpecific', '/aaa', '/aaa/bbb', true],
    ['ImplementationSpecific', '', '/aaa', true],
    ['Exact', '/Foo', '/foo', false],
    ['Prefix', '/foo', '/foo?a=/bar', true],
    ['Prefix', '/a/b/c/d', '/a/b/c', false],
    ['Prefix', '/a', '/b/a', false],
    ['Exact', '/toString', '/constructor', false],
  ] as const) {
    assert.equal(onePath(kind, path, target), fits, `${kind} ${path} and ${target}`)
  }
})

test('of paths that fit the longest wins, and an exact one before a prefix; the documentation’s mixtures', () => {
  const of = (paths: Paths) => buildRouteTable([ingress('a', { rules: [rule('', paths)] })])
  const two = of([
    ['Prefix', '/'],
    ['Prefix', '/aaa'],
  ])
  assert.equal(service(two, 'x', '/aaa/ccc'), 'Prefix /aaa')
  assert.equal(service(two, 'x', '/ccc'), 'Prefix /')
  const three = of([
    ['Prefix', '/'],
    ['Prefix', '/aaa'],
    ['Prefix', '/aaa/bbb'],
  ])
  assert.equal(service(three, 'x', '/aaa/bbb'), 'Prefix /aaa/bbb')
  assert.equal(service(three, 'x', '/aaa/bbbb'), 'Prefix /aaa')
  assert.equal(service(three, 'x', '/aaa/bbb/c/d/e'), 'Prefix /aaa/bbb')
  const mixed = of([
    ['Prefix', '/foo'],
    ['Exact', '/foo'],
  ])
  assert.equal(service(mixed, 'x', '/foo'), 'Exact /foo')
  assert.equal(service(mixed, 'x', '/foo/'), 'Prefix /foo')
  assert.equal(service(of([['Prefix', '/foo']]), 'x', '/ccc'), undefined)
})

test('hosts: the exact one, a wildcard for one label, then rules for all', () => {
  const table = buildRouteTable([
    ingress('a', {
      rules: [
        rule('*.foo.com', [['Prefix', '/', 'wild']]),
        rule('bar.foo.com', [['Prefix', '/only', 'exact']]),
        rule('', [['Prefix', '/all', 'all']]),
      ],
    }),
  ])
  for (const [host, target, expected] of [
    ['bar.foo.com', '/only', 'exact'],
    ['bar.foo.com', '/else', 'wild'],
    ['baz.foo.com', '/only', 'wild'],
    ['baz.bar.foo.com', '/', undefined],
    ['foo.com', '/', undefined],
    ['other.org', '/all/x', 'all'],
    ['192.0.2.1', '/all', 'all'],
    ['', '/all', 'all'],
    ['.foo.com', '/', undefined],
  ] as const) {
    assert.equal(service(table, host, target), expected, `${host}${target}`)
  }
})

test('default backends: of an Ingress for its hosts, and the oldest for everything', () => {
  const table = buildRouteTable([
    ingress('old', { defaultBackend: backend('old') }),
    ingress('shop', { defaultBackend: backend('shop'), rules: [rule('shop.example.com', [['Prefix', '/cart', 'cart']])] }),
  ])
  assert.equal(service(table, 'shop.example.com', '/cart'), 'cart')
  assert.equal(service(table, 'shop.example.com', '/x'), 'shop')
  assert.equal(service(table, 'else.example.com', '/cart'), 'old')
  assert.equal(buildRouteTable([]).find('a', '/'), undefined)
})

test('who was first has a path; the other hears of it, and keeps its others', () => {
  const young = ingress(
    'a',
    {
      rules: [
        rule('x.com', [
          ['Prefix', '/p', 'young'],
          ['Prefix', '/q', 'mine'],
          ['Prefix', '/q/', 'again'],
        ]),
      ],
    },
    { creationTimestamp: '2026-02-01T00:00:00Z' },
  )
  const old = ingress('z', { rules: [rule('x.com', [['Prefix', '/p/', 'old']])] })
  const classes = [{ metadata: { name: 'coxswain' }, spec: { controller: 'coxswain/ingress' } }] as IngressClass[]
  const classed = [young, old].map((each) => ({ ...each, spec: { ...each.spec, ingressClassName: 'coxswain' } }))
  const table = buildRouteTable(servedIngresses(classed, classes))
  assert.equal(service(table, 'x.com', '/p'), 'old')
  assert.equal(service(table, 'x.com', '/q'), 'mine')
  assert.deepEqual(
    table.problems.map(({ ingress: { metadata }, reason, message }) => [metadata.name, reason, message]),
    [
      ['a', 'PathConflict', 'x.com/p is served by the older Ingress default/z: this one’s path is not used'],
      ['a', 'PathConflict', 'x.com/q/ stands twice in this Ingress: the first one counts'],
    ],
  )
})

test('only Ingresses of our classes are served, said by the field or by the old annotation', () => {
  const classes = [
    { metadata: { name: 'ours' }, spec: { controller: 'coxswain/ingress' } },
    { metadata: { name: 'theirs' }, spec: { controller: 'example.com/other' } },
  ] as IngressClass[]
  const annotated = { annotations: { 'kubernetes.io/ingress.class': 'ours' } }
  const served = servedIngresses(
    [
      ingress('field', { ingressClassName: 'ours' }),
      ingress('annotation', {}, annotated),
      ingress('both', { ingressClassName: 'theirs' }, annotated),
      ingress('theirs', { ingressClassName: 'theirs' }),
      ingress('gone', { ingressClassName: 'gone' }),
      ingress('none', {}),
    ],
    classes,
  )
  assert.deepEqual(
    served.map(({ metadata }) => metadata.name),
    ['annotation', 'field'],
  )
})

test('settings by annotation; what cannot be read is said, and does not count', () => {
  const table = buildRouteTable([
    ingress(
      'a',
      { rules: [rule('', [['Prefix', '/']])] },
      {
        annotations: {
          'ingress.coxswain/https-redirect': 'false',
          'ingress.coxswain/idle-timeout': '10m',
          'ingress.coxswain/answer-timeout': 'soon',
          'ingress.coxswain/max-body-bytes': '-1',
          'ingress.coxswain/constructor': 'x',
          'example.com/other': 'x',
        },
      },
    ),
  ])
  assert.deepEqual(table.find('a', '/')?.settings, { redirectsToHttps: false, idleTimeout: 600_000 })
  const messages = table.problems.map(({ reason, message }) => `${reason}: ${message}`)
  assert.equal(messages.length, 3)
  assert.match(messages[0]!, /^BadAnnotation: the annotation ingress.coxswain\/answer-timeout is not usable: "soon" is not a duration/)
  assert.match(messages[1]!, /max-body-bytes is not usable: "-1" is not a whole number/)
  assert.match(messages[2]!, /constructor is none that is known: there are ingress.coxswain\/https-redirect, /)
})

test('a path cannot be spelled around a rule', () => {
  for (const [target, path] of [
    ['/a/b?c=/../d', '/a/b'],
    ['/%61dmin', '/admin'],
    ['/public/../admin', '/admin'],
    ['/public/%2e%2E/admin', '/admin'],
    ['/a/./b', '/a/b'],
    ['/a/..', '/'],
    ['/a/b/.', '/a/b/'],
    ['/../../a', '/a'],
    ['/a%2fb', '/a%2Fb'],
    ['/a//b', '/a//b'],
    ['/%zz', '/%zz'],
    ['/.well-known/x', '/.well-known/x'],
    ['/a/...', '/a/...'],
  ]) {
    assert.equal(comparedPath(target!), path, target)
  }
})

test('long paths cost their length: a path of many slashes against a deep prefix', () => {
  const table = buildRouteTable([
    ingress('a', {
      rules: [
        rule('', [
          ['Prefix', `/x${'/y'.repeat(500)}`],
          ['Prefix', '/', 'root'],
        ]),
      ],
    }),
  ])
  const began = performance.now()
  for (let time = 0; time < 20; time++) assert.equal(service(table, 'x', '/x'.repeat(8_000)), 'root')
  assert.ok(performance.now() - began < 1_000)
})
