import { isDeepStrictEqual } from 'node:util'
import { decodeObject } from '../../../apiserver/registry/schema-check.ts'
import type { Transport } from '../../../shared/client/transport.ts'
import { seededRandom } from '../../../shared/random/random.ts'
import { startApi, type TestApi } from '../../harness/api.ts'
import { serviceAccount } from '../../harness/bodies.ts'
import { type ServedKind, servedKinds } from '../../harness/served-kinds.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { below } from '../mutate.ts'
import { RandomValues } from '../random-object.ts'

let api: TestApi
let kinds: ServedKind[]
const watches = new Map<string, AsyncIterator<Record<string, unknown>>>()

/**
 * What is stored decodes again: objects of every kind, with fields changed at random. What was answered to a create is what is got, what
 * decodes to itself, what an update leaves as it is, and what watchers see.
 */
const target: FuzzTarget = {
  seeds: Array.from({ length: 60 }, (_, index) => Buffer.of(index, index, 0, 0)),
  longest: 8,
  isBlind: true,
  generate: (random) => Buffer.from(Array.from({ length: 6 }, () => below(random, 256))),
  async prepare() {
    api = await startApi()
    await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
    kinds = (await servedKinds(api)).filter(({ isStored }) => isStored)
  },
  async run(input) {
    const seed = input.reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 7)
    const random = seededRandom(seed)
    const kind = kinds[(input[0] ?? 0) % kinds.length]!
    const object = kind.minimal('fuzzed')
    const values = new RandomValues(random)
    for (let left = below(random, 5); left > 0; left--) values.change(object, kind.schema)
    const made = await api.request('POST', kind.path, object)
    if (made.status >= 500) throw new Error(`${made.status} to a create: ${made.text}`)
    if (made.status !== 201) return
    const name = String((made.json['metadata'] as { name?: string }).name)
    try {
      await check(kind, name, made.text)
    } finally {
      await remove(kind, name)
    }
  },
  isExpected: () => false,
}
export default target

async function check({ path, facts }: ServedKind, name: string, text: string): Promise<void> {
  const url = `${path}/${encodeURIComponent(name)}`
  const got = await api.request('GET', url)
  if (got.text !== text) throw new Error(`what is got is not what was created: ${got.text} instead of ${text}`)
  const decoded = decodeObject(facts.apiVersion, facts.kind, JSON.parse(text), { fieldValidation: 'Strict' })
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(decoded)), JSON.parse(text))) {
    throw new Error(`what is stored decodes to something else: ${JSON.stringify(decoded)} instead of ${text}`)
  }
  const again = await api.request('PUT', url, text)
  if (again.status !== 200 || again.text !== text)
    throw new Error(`${again.status}, changed by an update that changes nothing: ${again.text} was ${text}`)
  for (const accept of [
    'application/json;as=Table;g=meta.k8s.io;v=v1',
    'application/yaml',
    'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  ]) {
    const other = await api.request('GET', url, undefined, { accept })
    if (other.status !== 200) throw new Error(`${other.status} as ${accept}: ${other.text}`)
  }
  await seenByWatch(path, text)
}

async function seenByWatch(path: string, text: string): Promise<void> {
  const watch = watches.get(path) ?? framesOf(api.transport(), path)
  watches.set(path, watch)
  const { uid } = (JSON.parse(text) as { metadata: { uid: string } }).metadata
  for (;;) {
    const { value, done } = await watch.next()
    if (done) {
      watches.delete(path)
      return
    }
    const seen = value['object'] as { metadata?: { uid?: string } }
    if (value['type'] === 'ERROR') throw new Error(`the watch failed: ${JSON.stringify(value)}`)
    if (seen.metadata?.uid !== uid || value['type'] !== 'ADDED') continue
    if (JSON.stringify(seen) !== text) throw new Error(`watchers see ${JSON.stringify(seen)} instead of ${text}`)
    return
  }
}

async function* framesOf(transport: Transport, path: string): AsyncGenerator<Record<string, unknown>> {
  const response = await transport.send({ method: 'GET', path: `${path}?watch=true`, headers: {}, stream: true })
  let rest = ''
  for await (const chunk of response.chunks()) {
    rest += Buffer.from(chunk).toString()
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield JSON.parse(rest.slice(0, end)) as Record<string, unknown>
      rest = rest.slice(end + 1)
    }
  }
}

async function remove({ path }: ServedKind, name: string): Promise<void> {
  const url = `${path}/${encodeURIComponent(name)}`
  const body = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, propagationPolicy: 'Background' }
  const answer = await api.request('DELETE', url, body)
  if (answer.status >= 500) throw new Error(`${answer.status} to a delete: ${answer.text}`)
  if (name !== 'fuzzed') return
  // Finalizers, of the object's own or of a namespace, hold it.
  const left = await api.request('GET', url)
  if (left.status !== 200) return
  const object = left.json as { metadata: { finalizers?: string[] }; spec?: { finalizers?: string[] } }
  object.metadata.finalizers = []
  await api.request('PUT', url, object)
  if (object.spec?.finalizers) await api.request('PUT', `${url}/finalize`, { ...object, spec: {} })
}
