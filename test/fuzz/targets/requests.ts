import { ConnectionError } from '../../../shared/client/connection-error.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import { type Random, seededRandom } from '../../../shared/random/random.ts'
import { admin, startApi, type TestApi } from '../../harness/api.ts'
import { serviceAccount } from '../../harness/bodies.ts'
import { type ServedKind, servedKinds } from '../../harness/served-kinds.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { below, mutate } from '../mutate.ts'
import { RandomValues } from '../random-object.ts'

let api: TestApi
let kinds: ServedKind[]
const users = [
  admin,
  { name: 'somebody', groups: ['system:authenticated'] },
  { name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] },
]
const names = ['a', 'b', 'c', 'fuzzed', 'constructor', 'system:x', '%C3%A9', '%F0%9F%98%80', 'A', '..', '%00', 'x'.repeat(300)]
const patches = [
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/json-patch+json',
  'application/apply-patch+yaml',
]
const types = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', '', 'text/plain', ...patches]
const accepts = [
  'application/json',
  'application/yaml',
  'application/json;as=Table;g=meta.k8s.io;v=v1',
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  '*/*',
  'text/html',
  'application/json;as=Table',
]
const parameters = [
  ...[
    'limit=1',
    'limit=-1',
    'continue=abc',
    'resourceVersion=0',
    'resourceVersion=1',
    'resourceVersion=99999999',
    'resourceVersion=18446744073709551616',
  ],
  ...[
    'resourceVersionMatch=Exact',
    'resourceVersionMatch=NotOlderThan',
    'labelSelector=app%3Da',
    'labelSelector=!a,b+in+(c)',
    'labelSelector=(',
    'fieldSelector=metadata.name%3Da',
  ],
  ...[
    'fieldSelector=spec.nodeName%3Da',
    'fieldSelector=constructor%3Da',
    'dryRun=All',
    'dryRun=x',
    'fieldValidation=Strict',
    'pretty=true',
    'gracePeriodSeconds=0',
  ],
  ...[
    'gracePeriodSeconds=999999999999',
    'propagationPolicy=Foreground',
    'propagationPolicy=Orphan',
    'fieldManager=x',
    'force=true',
    'orphanDependents=true',
    'includeObject=Object',
    'watch=false',
  ],
]
/** Those that dial somebody are tested elsewhere: here nobody would answer, for a long time. */
const subresources = [
  '',
  '',
  '',
  '',
  '',
  'status',
  'scale',
  'finalize',
  'approval',
  'binding',
  'eviction',
  'token',
  'ephemeralcontainers',
  'resize',
  'constructor',
  'status/x',
]
const methods = ['GET', 'GET', 'POST', 'POST', 'PUT', 'PATCH', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE']

/** Requests of every verb to every kind, with bodies good and bad: each is answered, none with a failure of the server's own. */
const target: FuzzTarget = {
  seeds: Array.from({ length: 40 }, (_, index) => Buffer.of(index, index, 0, 0)),
  longest: 8,
  isBlind: true,
  generate: (random) => Buffer.from(Array.from({ length: 6 }, () => below(random, 256))),
  async prepare() {
    api = await startApi()
    await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
    kinds = await servedKinds(api)
  },
  async run(input) {
    const random = seededRandom(input.reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 7))
    const kind = one(random, kinds)
    const method = one(random, methods)
    const isCollection = random.fraction() < (method === 'POST' ? 0.8 : 0.2)
    const subresource = isCollection ? '' : one(random, subresources)
    const base =
      random.fraction() < 0.9
        ? kind.path
        : kind.path.replace('/namespaces/default', one(random, ['', '/namespaces/a', '/namespaces/%2e%2e']))
    const query = Array.from({ length: below(random, 3) }, () => one(random, parameters)).join('&')
    const path = `${base}${isCollection ? '' : `/${one(random, names)}`}${subresource === '' ? '' : `/${subresource}`}${query === '' ? '' : `?${query}`}`
    const { body, type } = bodyOf(random, kind, method)
    const headers: Record<string, string> = {
      ...(type === '' ? {} : { 'content-type': type }),
      ...(random.fraction() < 0.3 ? { accept: one(random, accepts) } : {}),
    }
    const what = `${method} ${path} ${JSON.stringify(headers)} ${body?.slice(0, 1500)}`
    const user = random.fraction() < 0.85 ? admin : one(random, users)
    const { status, text } = await api.request(method, path, body, headers, user)
    // 504: a revision that is not there yet. 503: not served.
    if (status >= 500 && status !== 504 && status !== 503) throw new Error(`${status} to ${what}: ${text.slice(0, 500)}`)
    if (status >= 400 && method !== 'HEAD') {
      const answer = JSON.parse(text) as { kind?: string; code?: number; message?: string }
      if (answer.kind !== 'Status' || answer.code !== status || !answer.message)
        throw new Error(`a refusal that is no Status to ${what}: ${text.slice(0, 500)}`)
    }
  },
  isExpected: (error) => error instanceof ConnectionError || (error instanceof StatusError && error.code < 500),
}
export default target

function bodyOf(random: Random, kind: ServedKind, method: string): { body: string | undefined; type: string } {
  if (method === 'GET' || method === 'HEAD' || random.fraction() < 0.03) return { body: undefined, type: '' }
  const values = new RandomValues(random)
  if (method === 'DELETE') {
    if (random.fraction() < 0.5) return { body: undefined, type: '' }
    const options: Record<string, unknown> = { kind: 'DeleteOptions', apiVersion: 'v1' }
    for (const [name, value] of [
      ['gracePeriodSeconds', 0],
      ['propagationPolicy', 'Foreground'],
      ['dryRun', ['All']],
      ['preconditions', { uid: 'x' }],
      ['orphanDependents', false],
      ['gracePeriodSeconds', 3e11],
    ] as const) {
      if (random.fraction() < 0.2) options[name] = value
    }
    return { body: JSON.stringify(options), type: 'application/json' }
  }
  const object = kind.minimal(one(random, ['a', 'b', 'c', 'fuzzed']))
  for (let left = below(random, 4); left > 0; left--) values.change(object, kind.schema)
  if (method === 'PATCH') return patchOf(random, object)
  let body = JSON.stringify(object)
  if (random.fraction() < 0.15) body = mutate(Buffer.from(body), [Buffer.from(body)], [], random).toString()
  return { body, type: random.fraction() < 0.9 ? 'application/json' : one(random, types) }
}

function patchOf(random: Random, object: Record<string, unknown>): { body: string; type: string } {
  const type = one(random, patches)
  if (type !== 'application/json-patch+json') {
    const { metadata: _metadata, ...rest } = object
    const directive =
      random.fraction() < 0.3
        ? one(random, [
            { $patch: 'replace' },
            { $patch: 'delete' },
            { $retainKeys: ['a'] },
            { '$setElementOrder/containers': [{ name: 'main' }] },
            { $patch: 7 },
          ])
        : {}
    const spec = typeof rest['spec'] === 'object' ? { spec: { ...rest['spec'], ...directive } } : directive
    return { body: JSON.stringify({ ...(random.fraction() < 0.5 ? object : rest), ...spec }), type }
  }
  const paths = [
    '/metadata/labels',
    '/metadata/labels/a',
    '/spec',
    '/spec/replicas',
    '/spec/containers/0',
    '/spec/containers/-',
    '/data/a',
    '/__proto__/x',
    '',
    '/metadata/name',
    '/a~1b',
    'x',
  ]
  const operations = Array.from({ length: below(random, 4) }, () => ({
    ...{ op: one(random, ['add', 'remove', 'replace', 'copy', 'move', 'test', 'x']), path: one(random, paths), from: one(random, paths) },
    value: one<unknown>(random, ['x', {}, [], null, 1, { a: 'b' }, object]),
  }))
  return { body: JSON.stringify(operations), type }
}

function one<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)]!
}
