import assert from 'node:assert/strict'
import test from 'node:test'
import type { NetworkPolicy } from '../../../shared/openapi/generated/networking-v1.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { defaultNetworkPolicy, networkPolicyProblems, networkPolicyWarnings } from './network-policy.ts'

const policy = (spec: object) =>
  decodeObject('networking.k8s.io/v1', 'NetworkPolicy', { spec: structuredClone(spec) }, { fieldValidation: 'Strict' }) as NetworkPolicy
const problems = (spec: object) => [...networkPolicyProblems(policy(spec))].map(({ path, message }) => `${path}: ${message}`)
const peer = (from: object) => problems({ ingress: [{ from: [from] }] }).map((line) => line.replace('spec.ingress[0].from[0]', 'peer'))
const port = (one: object) => problems({ egress: [{ ports: [one] }] }).map((line) => line.replace('spec.egress[0].ports[0]', 'port'))

test('defaults: ingress always, egress where there are rules for it, ports of TCP', () => {
  const types = (spec: object) => {
    const made = policy(spec)
    defaultNetworkPolicy(made.spec)
    return made.spec.policyTypes
  }
  assert.deepEqual(types({}), ['Ingress'])
  assert.deepEqual(types({ egress: [] }), ['Ingress'])
  assert.deepEqual(types({ egress: [{}] }), ['Ingress', 'Egress'])
  assert.deepEqual(types({ egress: [{}], policyTypes: ['Egress'] }), ['Egress'])
  const { spec } = policy({ ingress: [{ ports: [{ port: 80 }, { port: 53, protocol: 'UDP' }] }], egress: [{ ports: [{}] }] })
  defaultNetworkPolicy(spec)
  assert.deepEqual(
    [...(spec.ingress?.[0]?.ports ?? []), ...(spec.egress?.[0]?.ports ?? [])].map(({ protocol }) => protocol),
    ['TCP', 'UDP', 'TCP'],
  )
})

test('ports: numbers, names and ranges', () => {
  for (const good of [{ port: 80 }, { port: 'http' }, { protocol: 'SCTP' }, { port: 1, endPort: 65535 }, { port: 80, endPort: 80 }, {}]) {
    assert.deepEqual(port(good), [], JSON.stringify(good))
  }
  assert.deepEqual(port({ protocol: 'ICMP' }), ['port.protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'])
  assert.deepEqual(port({ port: 0 }), ['port.port: Invalid value: 0: must be between 1 and 65535, inclusive'])
  assert.match(port({ port: 'Not A Port' }).join(), /^port.port: Invalid value: "Not A Port": must contain only alpha-numeric/)
  assert.deepEqual(port({ endPort: 90 }), ['port.port: Required value: must be specified when `endPort` is specified'])
  assert.deepEqual(port({ port: 'http', endPort: 90 }), [
    'port.endPort: Invalid value: 90: may not be specified when `port` is non-numeric',
  ])
  assert.deepEqual(port({ port: 90, endPort: 80 }), ['port.endPort: Invalid value: 80: must be greater than or equal to `port`'])
  assert.deepEqual(port({ port: 90, endPort: 70_000 }), ['port.endPort: Invalid value: 70000: must be between 1 and 65535, inclusive'])
})

test('peers: one kind of thing, well formed', () => {
  const selector = { matchLabels: { a: 'b' } }
  for (const good of [{ podSelector: {} }, { namespaceSelector: {} }, { podSelector: selector, namespaceSelector: selector }]) {
    assert.deepEqual(peer(good), [])
  }
  assert.deepEqual(peer({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.3.4/32'] } }), [])
  assert.deepEqual(peer({ ipBlock: { cidr: 'fd00::/8', except: ['fd00:1::/32'] } }), [])
  assert.deepEqual(peer({}), ['peer: Required value: must specify a peer'])
  assert.deepEqual(peer({ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }), [
    'peer: Forbidden: may not specify both ipBlock and another peer',
  ])
  assert.deepEqual(peer({ ipBlock: { cidr: '' } }), ['peer.ipBlock.cidr: Required value'])
  assert.match(peer({ ipBlock: { cidr: '10.0.0.0' } }).join(), /^peer.ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value/)
  for (const except of ['10.0.0.0/8', '11.0.0.0/16', '0.0.0.0/0', 'fd00::/64']) {
    assert.deepEqual(peer({ ipBlock: { cidr: '10.0.0.0/8', except: [except] } }), [
      `peer.ipBlock.except[0]: Invalid value: "${except}": must be a strict subset of \`cidr\``,
    ])
  }
  assert.match(peer({ podSelector: { matchLabels: { 'a b': 'c' } } }).join(), /^peer.podSelector.matchLabels/)
})

test('policy types', () => {
  assert.deepEqual(problems({ policyTypes: ['Ingress', 'Egress'] }), [])
  assert.deepEqual(problems({ policyTypes: ['Sideways'] }), [
    'spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Egress", "Ingress"',
  ])
  assert.match(problems({ policyTypes: ['Ingress', 'Egress', 'Ingress'] }).join(), /may not specify more than two policyTypes/)
})

test('a range whose address goes on behind the prefix is warned of', () => {
  const warnings = (cidr: string, ...except: string[]) => [
    ...networkPolicyWarnings(policy({ egress: [{ to: [{ ipBlock: { cidr, except } }] }] })),
  ]
  assert.deepEqual(warnings('10.0.0.0/8', '10.1.0.0/16'), [])
  assert.deepEqual(warnings('10.0.0.1/8'), [
    'spec.egress[0].to[0].ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
  ])
  assert.match(warnings('10.0.0.0/8', '10.1.0.1/16').join(), /except\[0\]: CIDR value "10.1.0.1\/16"/)
})
