import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NetworkPolicySpec } from '../../shared/openapi/generated/networking-v1.ts'
import { networkPolicy, policyPodBody } from './policy-bodies.ts'
import { type End, lets } from './policy-oracle.ts'

const web = policyPodBody('shop', 'web', {
  labels: { app: 'web' },
  address: '10.244.1.2',
  ports: [{ name: 'http', containerPort: 80 }],
})
const db = policyPodBody('shop', 'db', { labels: { app: 'db' }, address: '10.244.1.3', ports: [{ name: 'http', containerPort: 81 }] })
const other = policyPodBody('lab', 'web', { labels: { app: 'web' }, address: '10.244.2.2', node: 'node-2' })
const host = policyPodBody('shop', 'host', { labels: { app: 'web' }, address: '172.28.0.3', hostNetwork: true })
const namespaces = new Map([
  ['shop', { team: 'a' }],
  ['lab', { team: 'b' }],
])
const tcp = (port: number) => ({ protocol: 'TCP', port })

/** Each case: policies of namespace shop, and connections with what becomes of them. */
const cases: [title: string, specs: Partial<NetworkPolicySpec>[], tries: [from: End, to: End, wanted: object, isLet: boolean][]][] = [
  ['no policy', [], [[web, db, tcp(80), true]]],
  [
    'deny all ingress',
    [{}],
    [
      [web, db, tcp(80), false],
      [other, db, tcp(80), false],
      ['192.0.2.1', db, tcp(80), false],
      [db, db, tcp(80), true],
      [db, other, tcp(80), true],
      [web, host, tcp(80), true],
    ],
  ],
  [
    'deny all egress',
    [{ policyTypes: ['Egress'] }],
    [
      [web, db, tcp(80), false],
      [web, '192.0.2.1', tcp(80), false],
      [other, web, tcp(80), true],
    ],
  ],
  [
    'a pod of this namespace, not of another',
    [{ ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }] }],
    [
      [web, db, tcp(80), true],
      [other, db, tcp(80), false],
      [host, db, tcp(80), false],
    ],
  ],
  [
    'a namespace, and both',
    [
      {
        podSelector: { matchLabels: { app: 'db' } },
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'b' } }, podSelector: { matchLabels: { app: 'web' } } }] }],
      },
      { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'b' } } }] }] },
    ],
    [
      [other, db, tcp(80), true],
      [web, db, tcp(80), false],
      [other, web, tcp(80), true],
      [db, web, tcp(80), false],
    ],
  ],
  [
    'a range with an exception, pods included',
    [{ ingress: [{ from: [{ ipBlock: { cidr: '10.244.0.0/16', except: ['10.244.2.0/24'] } }] }] }],
    [
      [web, db, tcp(80), true],
      [other, db, tcp(80), false],
      ['10.244.9.9', db, tcp(80), true],
      ['192.0.2.1', db, tcp(80), false],
    ],
  ],
  [
    'ports by number, range and name',
    [{ ingress: [{ ports: [{ port: 'http' }, { port: 90, endPort: 92 }, { port: 53, protocol: 'UDP' }] }] }],
    [
      [db, web, tcp(80), true],
      [web, db, tcp(80), false],
      [web, db, tcp(81), true],
      [web, db, tcp(92), true],
      [web, db, tcp(93), false],
      [web, db, tcp(53), false],
      [web, db, { protocol: 'UDP', port: 53 }, true],
    ],
  ],
  [
    'a named port on the way out is the other pod’s',
    [{ policyTypes: ['Egress'], egress: [{ ports: [{ port: 'http' }] }] }],
    [
      [web, db, tcp(81), true],
      [web, db, tcp(80), false],
      [web, '192.0.2.1', tcp(80), false],
    ],
  ],
  [
    'policies add up',
    [{}, { ingress: [{ ports: [{ port: 80 }] }] }, { ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }] }],
    [
      [other, db, tcp(80), true],
      [other, db, tcp(81), false],
      [web, db, tcp(81), true],
    ],
  ],
  ['an empty rule lets everybody in', [{}, { ingress: [{}] }], [[other, db, { protocol: 'SCTP', port: 7 }, true]]],
]

for (const [title, specs, tries] of cases) {
  test(title, () => {
    const policies = specs.map((spec, index) => networkPolicy('shop', `p${index}`, spec))
    const world = { policies, pods: [web, db, other, host], namespaces }
    for (const [index, [from, to, wanted, isLet]] of tries.entries()) {
      assert.equal(lets(world, from, to, wanted as { protocol: string; port: number }), isLet, `try ${index}`)
    }
  })
}
