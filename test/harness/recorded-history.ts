import assert from 'node:assert/strict'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { CustomResourceDefinition } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Answer, TestApi } from './api.ts'
import { configMap, deployment, pod } from './bodies.ts'
import { backupDefinition, backupVersion } from './custom-definitions.ts'
import { soon } from './soon.ts'

/** An answer that a client was given at a moment. */
export interface Recorded {
  readonly revision: number
  readonly time: number
  readonly path: string
  readonly accept: string
  readonly answer: Pick<Answer, 'status' | 'text'>
}

export interface HistoryOptions {
  readonly api: TestApi
  readonly random: Random
  readonly steps: number
  /** The store's revision now. */
  readonly revision: () => number
  /** Moves the server's wall clock to another moment; answers which. */
  readonly tick: () => number
}

const GROUP = 'tools.example.com'
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const BACKUPS = `/apis/${GROUP}/v1`
const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1'
const METADATA = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'
const accepts = ['application/json', 'application/json', TABLE, METADATA, 'application/yaml']

/** Kinds that come and go in it: where they are, and the smallest body. */
const kinds = [
  { root: '/api/v1', plural: 'configmaps', body: (name: string) => configMap(name) },
  { root: '/api/v1', plural: 'pods', body: (name: string) => pod(name) },
  {
    root: '/api/v1',
    plural: 'secrets',
    body: (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { a: name } }),
  },
  { root: '/apis/apps/v1', plural: 'deployments', body: (name: string) => deployment(name) },
  {
    root: BACKUPS,
    plural: 'backups',
    body: (name: string) => ({ apiVersion: `${GROUP}/v1`, kind: 'Backup', metadata: { name }, spec: { timetable: '* * * * *' } }),
  },
]
const namespaces = ['default', 'kube-system']
const names = ['a', 'b', 'c', 'd', 'e']

/**
 * Makes, changes, deletes and makes again objects of several kinds, one of which is defined, redefined and dropped meanwhile, and notes after each
 * step what a client that looks somewhere is answered.
 */
export async function recordHistory({ api, random, steps, revision, tick }: HistoryOptions): Promise<Recorded[]> {
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random.fraction() * all.length)]!
  const seen: Recorded[] = []
  let defined = 0
  const redefine = async (step: number) => {
    const column = `Step${step}`
    const version = backupVersion('v1', { additionalPrinterColumns: [{ name: column, type: 'string', jsonPath: '.spec.kind' }] })
    const definition = backupDefinition(GROUP, { versions: [version] })
    const place = `${DEFINITIONS}/backups.${GROUP}`
    if (defined > 0 && random.fraction() < 0.4) {
      await api.request('DELETE', place)
      for (const gone of [place, `${BACKUPS}/backups`]) await soon(async () => assert.equal((await api.request('GET', gone)).status, 404))
      defined = 0
      return
    }
    const { status, text } =
      defined === 0
        ? await api.request('POST', DEFINITIONS, definition)
        : await api.request('PATCH', place, { spec: { versions: [version] } }, { 'content-type': 'application/merge-patch+json' })
    assert.ok(status === 201 || status === 200, text)
    await soon(async () => {
      const { status } = (await api.request('GET', place)).json as unknown as CustomResourceDefinition
      assert.ok(isTrue(status.conditions ?? [], 'Established'))
      assert.match((await api.request('GET', `${BACKUPS}/backups`, undefined, { accept: TABLE })).text, new RegExp(column))
    })
    defined = step
  }
  const change = async (step: number) => {
    if (step % 60 === 1) return redefine(step)
    const { root, plural, body } = pick(kinds)
    const collection = `${root}/namespaces/${pick(namespaces)}/${plural}`
    const place = `${collection}/${pick(names)}`
    const merge = { 'content-type': 'application/merge-patch+json' }
    const name = place.slice(place.lastIndexOf('/') + 1)
    const deeds = [
      () => api.request('POST', collection, body(name)),
      () => api.request('POST', collection, body(name)),
      () => api.request('PATCH', place, { metadata: { labels: { tier: pick(['front', 'back']), step: `s${step}` } } }, merge),
      () => api.request('PATCH', `${place}/status`, { status: { phase: 'Running', replicas: step } }, merge),
      () => api.request('DELETE', `${place}?gracePeriodSeconds=0`),
    ]
    return pick(deeds)()
  }
  const look = async (time: number) => {
    const { root, plural } = pick(kinds)
    const inside = `${root}/namespaces/${pick(namespaces)}/${plural}`
    const forms = [
      `${root}/${plural}`,
      inside,
      `${inside}?limit=2`,
      `${root}/${plural}?labelSelector=tier%3Dfront`,
      `${inside}?fieldSelector=metadata.name%3D${pick(names)}`,
      plural === 'backups' ? `${root}/${plural}?fieldSelector=spec.kind%3Dfull` : inside,
      `${inside}/${pick(names)}`,
      `${inside}/${pick(names)}/status`,
      `${inside}/${pick(names)}/scale`,
      pick(['/apis', '/api/v1', BACKUPS, `/openapi/v3${BACKUPS}`]),
    ]
    const [path, accept] = [pick(forms), pick(accepts)]
    const before = revision()
    const answer = await api.request('GET', path, undefined, { accept })
    // What the server wrote beside it is nobody's moment.
    if (revision() === before) seen.push({ revision: before, time, path, accept, answer: { status: answer.status, text: answer.text } })
  }
  for (let step = 0; step < steps; step++) {
    const time = tick()
    await change(step)
    await look(time)
  }
  return seen
}
