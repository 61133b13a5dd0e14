import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../shared/objects/object.ts'
import { objectsOf } from './copied-objects.ts'
import type { CopiedKind } from './copy-cluster.ts'
import { forecastOf } from './forecast.ts'
import { forecastText } from './forecast-text.ts'
import { complaintsOf } from './surroundings.ts'

const kindOf = (plural: string, kind: string, objects: readonly KubeObject[], group = ''): CopiedKind => ({
  ...{ group, version: 'v1', plural, kind, namespaced: true, objects },
})

const warning = (number: number, about: string, message: string): KubeObject & Record<string, unknown> => ({
  ...{ apiVersion: 'v1', kind: 'Event', metadata: { name: `e-${number}`, namespace: 'shop', resourceVersion: `${number}` } },
  ...{ type: 'Warning', reason: 'Failed', message, involvedObject: { kind: 'Pod', namespace: 'shop', name: about } },
})

test('another group has a kind of the same name: its objects are not taken for those of the release', () => {
  const others = kindOf(
    'services',
    'Service',
    [{ apiVersion: 'serving.example/v1', kind: 'Service', metadata: { name: 'x' } }],
    'serving.example',
  )
  assert.deepEqual(objectsOf([others], 'services'), [])
})

test('warnings that differ in a generated name are one; what is said of many is said in one line', () => {
  const events = [
    warning(11, 'set', 'Error creating: pods "set-x2k4z" is forbidden'),
    warning(12, 'set', 'Error creating: pods "set-b9c7d" is forbidden'),
    ...Array.from({ length: 12 }, (_, index) => warning(20 + index, `web-${index}`, 'Node is not ready')),
    warning(9, 'before', 'was said already'),
  ]
  const after = [kindOf('events', 'Event', events)]
  const complaints = complaintsOf(after, 10)
  assert.deepEqual(complaints[0], {
    about: 'Pod shop/set',
    reason: 'Failed',
    message: 'Error creating: pods "set-…" is forbidden',
    times: 2,
  })
  assert.equal(complaints.length, 13)

  const told = { moment: { revision: '10', time: '' }, passedSeconds: 0, done: [], assumptions: [], changed: [], leftOut: [] }
  const lines = forecastText({ ...forecastOf([], after, 10), ...told }).split('\n')
  const warnings = lines.slice(lines.indexOf('Warnings') + 1, -1)
  assert.equal(warnings[0], '  Pod shop/set: Failed: Error creating: pods "set-…" is forbidden (2 times)')
  assert.match(warnings[1] ?? '', /^ {2}Pod shop\/web-0, .*Pod shop\/web-9 and 2 more: Failed: Node is not ready$/)
  assert.equal(warnings.length, 2)
})
