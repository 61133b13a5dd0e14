import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ControllerRevision } from '../../shared/openapi/generated/apps-v1.ts'
import type { PodTemplateSpec } from '../../shared/openapi/generated/core-v1.ts'
import { planHistory, rememberedTemplate, surplusRevisions, templatePatch } from './revision-history.ts'

const template = (image: string) =>
  ({ metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image }] } }) as unknown as PodTemplateSpec

const revision = (name: string, number: number, image: string, bornAt = 0): ControllerRevision => ({
  ...{ apiVersion: 'apps/v1', kind: 'ControllerRevision', revision: number, data: { ...templatePatch(template(image)) } },
  metadata: { name, creationTimestamp: new Date(bornAt * 1_000).toISOString() },
})

const told = (revisions: ControllerRevision[], image: string) => {
  const { current, duplicates, olds, number } = planHistory(revisions, template(image))
  return `${current?.metadata.name} ${number} twice:${duplicates.map((each) => each.metadata.name)} old:${olds.map((each) => each.metadata.name)}`
}

test('which revision is that of the present template, and which number it has', () => {
  const [one, two, three] = [revision('one', 1, 'x:1'), revision('two', 2, 'x:2'), revision('three', 3, 'x:3')]
  assert.equal(told([], 'x:1'), 'undefined 1 twice: old:')
  assert.equal(told([one], 'x:1'), 'one 1 twice: old:')
  assert.equal(told([one], 'x:2'), 'undefined 2 twice: old:one')
  // Rolled back: the old one becomes the newest.
  assert.equal(told([three, one, two], 'x:1'), 'one 4 twice: old:two,three')
  assert.equal(told([revision('one', 4, 'x:1'), two, three], 'x:1'), 'one 4 twice: old:two,three')
  // Made twice: the higher number counts, then the younger one.
  assert.equal(told([revision('again', 5, 'x:1'), one, two], 'x:1'), 'again 5 twice:one old:two')
  assert.equal(told([revision('younger', 1, 'x:1', 9), one], 'x:1'), 'younger 1 twice:one old:')
  // A stranger's data is no template, and old.
  assert.equal(told([{ ...one, data: { any: 'thing' } }], 'x:1'), 'undefined 2 twice: old:one')
})

test('a revision gives its template back', () => {
  assert.deepEqual(rememberedTemplate(revision('one', 1, 'x:1')), template('x:1'))
  assert.throws(() => rememberedTemplate({ ...revision('one', 1, 'x:1'), data: { any: 'thing' } }), /revision one holds no pod template/)
  assert.throws(() => rememberedTemplate({ ...revision('one', 1, 'x:1'), data: undefined }), /holds no pod template/)
})

test('the history is kept to its limit, oldest first, and what pods still are of stays', () => {
  const olds = [1, 2, 3, 4].map((number) => revision(`r${number}`, number, `x:${number}`))
  const names = (limit: number, live: string[] = []) =>
    surplusRevisions(olds, limit, ({ metadata }) => live.includes(metadata.name ?? '')).map(({ metadata }) => metadata.name)
  assert.deepEqual(names(4), [])
  assert.deepEqual(names(2), ['r1', 'r2'])
  assert.deepEqual(names(0), ['r1', 'r2', 'r3', 'r4'])
  assert.deepEqual(names(0, ['r1', 'r4']), ['r2', 'r3'])
  assert.deepEqual(names(2, ['r1']), ['r2'])
  assert.deepEqual(names(-1), [])
})
