import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { APIService } from '../../shared/openapi/generated/apiregistration-v1.ts'
import { type LocalService, MANAGED, type Repair, repairOf } from './local-services.ts'

const spec = { group: 'example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 100 }
const wanted = (managed: LocalService['managed']): LocalService => ({ name: 'v1.example.com', managed, spec })
const present = (label: string | undefined, more: Partial<APIService['spec']> = {}): APIService => ({
  ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', spec: { ...spec, ...more }, status: {} },
  metadata: { name: 'v1.example.com', ...(label === undefined ? {} : { labels: { [MANAGED]: label } }) },
})
const taken = { service: { namespace: 'n', name: 's' } }

const cases: [string, LocalService | undefined, APIService | undefined, atStart: Repair, later: Repair][] = [
  ['of the release, missing', wanted('onstart'), undefined, 'make', 'nothing'],
  ['of a definition, missing', wanted('true'), undefined, 'make', 'make'],
  ['right', wanted('true'), present('true'), 'nothing', 'nothing'],
  ['with another priority', wanted('true'), present('true', { versionPriority: 1 }), 'correct', 'correct'],
  ['of the release, given to a Service', wanted('onstart'), present('onstart', taken), 'correct', 'nothing'],
  ['of a group that is given up', wanted('onstart'), present('onstart', { ...taken, group: 'metrics.k8s.io' }), 'nothing', 'nothing'],
  ["people's", wanted('onstart'), present(undefined, taken), 'nothing', 'nothing'],
  ['of a definition that is gone', undefined, present('true'), 'remove', 'remove'],
  ['of a release that is gone', undefined, present('onstart'), 'remove', 'nothing'],
  ["people's, of nobody's group", undefined, present(undefined), 'nothing', 'nothing'],
]
for (const [what, want, is, atStart, later] of cases) {
  test(`an APIService ${what}`, () => {
    assert.equal(repairOf(want, is, true), atStart)
    assert.equal(repairOf(want, is, false), later)
  })
}
