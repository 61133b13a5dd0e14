import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { APIService } from '../../shared/openapi/generated/apiregistration-v1.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { serviceAccount } from '../harness/bodies.ts'
import { eventually } from '../harness/eventually.ts'
import { bodyOf, type DiscoveredResource, discoverResources } from '../harness/every-kind.ts'

/** Where the users below have their rights; `other` is everybody else's. */
const [MINE, OTHER] = ['mine', 'other']
const RBAC = '/apis/rbac.authorization.k8s.io/v1'
/** A watch that says when it has sent everything there is. */
const WHOLE = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'

interface Stored {
  kind: string
  metadata: { name: string; namespace?: string; resourceVersion?: string }
  spec?: { parentRef?: { name: string; namespace: string } }
}
interface Trial {
  method: string
  path: string
  body?: object
}

/** A user, what of the cluster lies inside their rights, and whether they may write there. */
interface Tester {
  user: User
  sees(object: Stored): boolean
  changes(object: Stored): boolean
}
const isMine = ({ kind, metadata }: Stored) => metadata.namespace === MINE || (kind === 'Namespace' && metadata.name === MINE)
const user = (name: string): User => ({ name, groups: ['system:authenticated'] })
const never = () => false
const testers: Tester[] = [
  { user: user('owner'), sees: isMine, changes: isMine },
  { user: user('reader'), sees: isMine, changes: never },
  {
    user: user('one-name'),
    sees: (object) => isMine(object) && object.metadata.name === 'one',
    changes: (object) => isMine(object) && object.metadata.name === 'one',
  },
  { user: user('stranger'), sees: never, changes: never },
]

let api: TestApi
let resources: DiscoveredResource[]

const json = async (path: string) => (await api.request('GET', path)).json
const post = (path: string, body: object) => api.request('POST', path, body)
const collectionOf = ({ prefix, plural, namespaced }: DiscoveredResource, namespace: string) =>
  namespaced ? `${prefix}/namespaces/${namespace}/${plural}` : `${prefix}/${plural}`

before(async () => {
  api = await startApi()
  resources = await discoverResources(json)
  for (const namespace of [MINE, OTHER]) {
    await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    await post(`/api/v1/namespaces/${namespace}/serviceaccounts`, serviceAccount('default'))
  }
  await grantAll()
  for (const resource of resources) await restore(resource)
  // The server itself says of kinds that were defined just now that it serves them; that is no tester's doing.
  const isSaid = ({ metadata, status }: APIService) => metadata.name === 'v1.kinds.example.com' && isTrue(status.conditions, 'Available')
  await eventually(api.client(), ['apiregistration.k8s.io/v1', 'APIService'], (services) => services.some(isSaid))
})
after(() => api.stop())

async function grantAll(): Promise<void> {
  const rules = {
    owner: { verbs: ['*'] },
    reader: { verbs: ['get', 'list', 'watch'] },
    'one-name': { verbs: ['*'], resourceNames: ['one'] },
  }
  for (const [name, rule] of Object.entries(rules)) {
    const common = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name } }
    await put(`${RBAC}/namespaces/${MINE}/roles`, { ...common, kind: 'Role', rules: [{ apiGroups: ['*'], resources: ['*'], ...rule }] })
    const [roleRef, subjects] = [{ apiGroup: '', kind: 'Role', name }, [{ kind: 'User', name }]]
    await put(`${RBAC}/namespaces/${MINE}/rolebindings`, { ...common, kind: 'RoleBinding', roleRef, subjects })
  }
}

/** Makes an object unless it is there. */
async function put(path: string, body: object): Promise<void> {
  const { status, text } = await post(path, body)
  assert.ok(status === 201 || status === 409, `${path}: ${text}`)
}

/** What a trial took away in the namespace of the trials is put back, so that the next one finds something. */
async function restore(resource: DiscoveredResource): Promise<void> {
  if (!resource.verbs.includes('create') || !resource.verbs.includes('list') || resource.plural === 'namespaces') return
  for (const namespace of resource.namespaced ? [MINE, OTHER] : ['']) {
    for (const name of ['one', 'two']) {
      await put(collectionOf(resource, namespace), bodyOf(resource, name, namespace))
    }
  }
  if (resource.prefix === RBAC) await grantAll()
}

/** Everything stored, with its revision. */
async function everything(): Promise<Map<string, Stored>> {
  const found = new Map<string, Stored>()
  for (const { prefix, plural, verbs, kind } of resources) {
    if (!verbs.includes('list')) continue
    const { items } = (await json(`${prefix}/${plural}`)) as unknown as { items: Stored[] }
    for (const item of items) {
      const { namespace = '', name, resourceVersion } = item.metadata
      found.set(`${prefix}/${plural} ${namespace}/${name} at ${resourceVersion}`, { ...item, kind })
    }
  }
  return found
}

/** Each path that reads as if it led to objects of the resource, there or elsewhere. */
function pathsOf({ prefix, plural, subresources }: DiscoveredResource): string[] {
  const scopes = ['', `/namespaces/${MINE}`, `/namespaces/${OTHER}`, `/namespaces/${MINE}/namespaces/${OTHER}`]
  const odd = [`/namespaces/${MINE}/%6eamespaces/${OTHER}`, `/namespaces/${MINE}%2f..%2f${OTHER}`, `/%6eamespaces/${OTHER}`]
  const collections = [...scopes, ...odd].flatMap((scope) => [`${prefix}${scope}/${plural}`, `${prefix}/watch${scope}/${plural}`])
  const objects = collections.flatMap((collection) => [`${collection}/one`, `${collection}/one/`])
  const parts = collections.flatMap((collection) => [...subresources, 'none'].map((subresource) => `${collection}/one/${subresource}`))
  if (plural !== 'namespaces') return [...collections, ...objects, ...parts]
  const nested = [
    `/namespaces/${MINE}`,
    `/namespaces/${OTHER}`,
    `/namespaces/${MINE}/namespaces`,
    `/namespaces/${MINE}/namespaces/${OTHER}`,
  ]
  const forms = nested.flatMap((path) => ['', '/', '/status', '/finalize'].map((end) => `${prefix}${path}${end}`))
  return [...collections, ...objects, ...parts, ...forms, ...forms.map((path) => path.replace(prefix, `${prefix}/watch`))]
}

const selectors = [
  ...['metadata.name%3Done', 'metadata.name%3D%3Dtwo', 'metadata.name!%3Done', `metadata.namespace%3D${OTHER}`],
  ...['metadata.name%3Done&fieldSelector=metadata.name%3Dtwo', 'metadata.name%3Dtwo&fieldSelector=metadata.name%3Done'],
  ...['&fieldSelector=metadata.name%3Done', 'metadata.name%3Done,metadata.name%3Dtwo', 'metadata.name%3Do%5Cne', '%20metadata.name%3Done'],
  ...['metadata.name%3Done%5C,', `metadata.name%3Done,metadata.namespace!%3D${MINE}`],
]

function trialsOf(resource: DiscoveredResource, touch: number): Trial[] {
  const hasBody = resource.verbs.includes('create') && resource.verbs.includes('list')
  const body = (name: string, more: object) => (hasBody ? Object.assign(bodyOf(resource, name, MINE), more) : {})
  const labels = { touched: `t${touch}` }
  return pathsOf(resource).flatMap((path): Trial[] => {
    const isCollection = path.endsWith(`/${resource.plural}`)
    return [
      { method: 'GET', path: path.includes('/watch/') ? `${path}?${WHOLE}` : path },
      { method: 'GET', path: `${path}?watch=true&${WHOLE}` },
      { method: 'POST', path, body: body('new', {}) },
      { method: 'POST', path, body: body('new', { metadata: { name: 'new', namespace: OTHER } }) },
      { method: 'PUT', path, body: body('one', { metadata: { name: 'one', labels } }) },
      { method: 'PATCH', path, body: { metadata: { labels } } },
      { method: 'DELETE', path: `${path}?gracePeriodSeconds=0` },
      ...(isCollection ? selectors : []).flatMap((selector): Trial[] => [
        { method: 'GET', path: `${path}?fieldSelector=${selector}${path.includes('/watch/') ? `&${WHOLE}` : ''}` },
        { method: 'GET', path: `${path}?fieldSelector=${selector}&watch=true&watch=false&${WHOLE}` },
        { method: 'DELETE', path: `${path}?fieldSelector=${selector}` },
      ]),
    ]
  })
}

/** The answer's code and the objects in it; of a watch, those there are. */
async function attempt(who: User, { method, path, body }: Trial): Promise<{ code: number; objects: Stored[] }> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const gone = new AbortController()
  const sent = { method, path, headers: { 'content-type': type }, body: body && JSON.stringify(body), signal: gone.signal }
  const response = await api.transport(who).send(sent)
  let text = ''
  for await (const chunk of response.chunks()) {
    text += Buffer.from(chunk).toString()
    if (text.includes('k8s.io/initial-events-end')) break
  }
  if (response.status >= 300 || text === '' || !text.startsWith('{')) return { code: response.status, objects: [] }
  const documents = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind?: string; items?: object[]; object?: Stored; type?: string })
  const objects = documents.flatMap((document): Stored[] => {
    if (document.type === 'BOOKMARK' || document.type === 'ERROR') return []
    if (document.object) return [document.object]
    const kind = document.kind ?? ''
    if (document.items) return document.items.map((item) => ({ ...(item as Stored), kind: kind.replace(/List$/, '') }))
    return [document as Stored]
  })
  return { code: response.status, objects: objects.filter(({ kind }) => kind !== 'Status' && !/Review$/.test(kind)) }
}

const name = ({ kind, metadata }: Stored) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`

test('what is answered and what is changed lies inside the rights of who asked, for every kind, verb and form of path', async () => {
  let [tried, touch] = [0, 0]
  const allowed = new Map<string, number>()
  const atTheEnd = (resource: DiscoveredResource) => (resource.plural === 'namespaces' ? 1 : 0)
  // A namespace that is being deleted takes no more objects: the kind itself is tried when all others have been.
  let stored = await everything()
  for (const resource of resources.toSorted((a, b) => atTheEnd(a) - atTheEnd(b))) {
    for (const { user: who, sees, changes } of testers) {
      const trials = trialsOf(resource, ++touch)
      for (const trial of trials) {
        const { code, objects } = await attempt(who, trial)
        tried++
        const foreign = objects.filter((object) => !sees(object))
        assert.deepEqual(foreign.map(name), [], `${who.name} was answered these by ${trial.method} ${trial.path} (${code})`)
        if (code >= 300) continue
        allowed.set(`${who.name} ${resource.plural}`, (allowed.get(`${who.name} ${resource.plural}`) ?? 0) + 1)
        if (trial.method !== 'GET' && resource.namespaced) await restore(resource)
      }
      const now = await everything()
      const changed = [...stored, ...now].filter(([key]) => !stored.has(key) || !now.has(key)).map(([, object]) => object)
      // The address of a Service comes and goes with it: who may change the one changes the other.
      const meant = ({ kind, spec, ...object }: Stored) =>
        kind === 'IPAddress' && resource.plural === 'services' && spec?.parentRef
          ? { kind: 'Service', metadata: spec.parentRef }
          : { kind, ...object }
      const foreign = changed.filter((object) => !changes(meant(object)))
      assert.deepEqual([...new Set(foreign.map(name))], [], `${who.name} changed these by way of ${resource.plural}`)
      stored = now
    }
  }
  assert.ok(tried > 10_000, `only ${tried} requests were tried`)
  // The rights must have lasted to the end, or nothing was tried.
  for (const { plural, namespaced, verbs } of resources) {
    if (!verbs.includes('list') || (!namespaced && plural !== 'namespaces')) continue
    for (const who of ['owner', 'reader'])
      assert.ok((allowed.get(`${who} ${plural}`) ?? 0) > 0, `${who} was allowed nothing with ${plural}`)
  }
})

test('and so it is of the past, where nothing is changed at all', async () => {
  const newest = async () =>
    ((await json('/api/v1/namespaces?limit=1')) as unknown as { metadata: { resourceVersion: string } }).metadata.resourceVersion
  const then = await newest()
  const seen = new Map<string, number>()
  let tried = 0
  for (const resource of resources) {
    for (const { user: who, sees } of testers) {
      // Every kind and form of path, each by some of the verbs.
      const trials = trialsOf(resource, 0).filter((_, index) => index % 3 === tried % 3)
      for (const { method, path, body } of trials) {
        // Of what would change something a dry run is the most that is answered.
        const dry = method === 'GET' || path.includes('?') ? path : `${path}?dryRun=All`
        const { code, objects } = await attempt(who, { method, path: `/rewind/${then}${dry}`, ...(body ? { body } : {}) })
        tried++
        // A dry run answers what it would have made.
        const foreign = objects.filter(
          (object) => !sees(object) && !(method === 'POST' && !object.metadata.resourceVersion && isMine(object)),
        )
        assert.deepEqual(foreign.map(name), [], `${who.name} was answered these by ${method} ${path} of the past (${code})`)
        if (method === 'GET' && code < 300) seen.set(`${who.name} ${resource.plural}`, 1)
      }
    }
  }
  assert.ok(tried > 5_000, `only ${tried} requests were tried`)
  for (const { plural, namespaced, verbs, prefix } of resources) {
    if (!verbs.includes('list') || !namespaced || prefix.includes('metrics.k8s.io')) continue
    for (const who of ['owner', 'reader']) assert.ok(seen.has(`${who} ${plural}`), `${who} saw nothing of the past of ${plural}`)
  }
  assert.equal(await newest(), then, 'something was written')
})
