import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { decodeObject } from '../registry/schema-check.ts'
import { nodeStatusProblems } from './node-status.ts'

const problems = (status: object) => {
  const node = decodeObject('v1', 'Node', { metadata: { name: 'n' }, status }, { fieldValidation: 'Strict' }) as Node
  return [...nodeStatusProblems(node.status)].map(({ path, message }) => `${path}: ${message}`)
}

test('what a kubelet reports is in order', () => {
  const addresses = [
    { type: 'InternalIP', address: '10.0.0.1' },
    { type: 'InternalIP', address: 'fd00::1' },
    { type: 'Hostname', address: 'node-1' },
  ]
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }]
  const images = [{ names: ['docker.io/library/busybox:latest'], sizeBytes: 4_000_000 }]
  const daemonEndpoints = { kubeletEndpoint: { Port: 10250 } }
  assert.deepEqual(problems({ capacity: { cpu: '4', 'example.com/dongle': '1' }, addresses, conditions, images, daemonEndpoints }), [])
})

const wrong: [what: string, status: object, expected: RegExp][] = [
  ['an amount below nothing', { capacity: { cpu: '-1' } }, /^status\.capacity\.cpu: .*greater than or equal to 0/],
  ['a resource without a proper name', { allocatable: { '-x': '1' } }, /^status\.allocatable\.-x: Invalid value/],
  ['an address of no known type', { addresses: [{ type: 'IP', address: '10.0.0.1' }] }, /^status\.addresses\[0\]\.type: Unsupported value/],
  [
    'a name where an address belongs',
    { addresses: [{ type: 'InternalIP', address: 'x' }] },
    /^status\.addresses\[0\]\.address: .*valid IP/,
  ],
  ['no name at all', { addresses: [{ type: 'Hostname', address: 'a b' }] }, /^status\.addresses\[0\]\.address: Invalid value: "a b"/],
  [
    'an address twice',
    { addresses: Array.from({ length: 2 }, () => ({ type: 'InternalIP', address: '10.0.0.1' })) },
    /^status\.addresses\[1\]: Duplicate/,
  ],
  [
    'a condition in no known state',
    { conditions: [{ type: 'Ready', status: 'Yes' }] },
    /^status\.conditions\[0\]\.status: Unsupported value: "Yes"/,
  ],
  [
    'a condition twice',
    { conditions: Array.from({ length: 2 }, () => ({ type: 'R', status: 'True' })) },
    /^status\.conditions\[1\]: Duplicate/,
  ],
  ['a port that is none', { daemonEndpoints: { kubeletEndpoint: { Port: 70_000 } } }, /^status\.daemonEndpoints\.kubeletEndpoint\.port: /],
  ['an image smaller than nothing', { images: [{ names: ['a'], sizeBytes: -1 }] }, /^status\.images\[0\]\.sizeBytes: /],
]
for (const [what, status, expected] of wrong) {
  test(`${what} is told by its field`, () => {
    const [first, ...others] = problems(status)
    assert.match(first ?? 'in order', expected)
    assert.deepEqual(others, [])
  })
}

test('there is an end to what a node has to say', () => {
  const many = <T>(most: number, make: (index: number) => T) => Array.from({ length: most + 1 }, (_, index) => make(index))
  const long = 'x'.repeat(inputLimits.nodeTextCharacters + 1)
  const tooMuch: object[] = [
    { addresses: many(inputLimits.nodeAddresses, (index) => ({ type: 'InternalIP', address: `10.0.0.${index}` })) },
    { conditions: many(inputLimits.nodeConditions, (index) => ({ type: `C${index}`, status: 'True' })) },
    { images: many(inputLimits.nodeImages, (index) => ({ names: [`i${index}`] })) },
    { images: [{ names: many(inputLimits.nodeImageNames, (index) => `i${index}`) }] },
    { capacity: Object.fromEntries(many(inputLimits.nodeResources, (index) => [`example.com/r${index}`, '1'])) },
    { conditions: [{ type: 'Ready', status: 'True', message: long }] },
    { nodeInfo: { osImage: long } },
  ]
  for (const status of tooMuch) assert.match(problems(status).join(), /: Too (many|long): /)
})
