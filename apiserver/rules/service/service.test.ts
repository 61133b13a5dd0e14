import assert from 'node:assert/strict'
import test from 'node:test'
import type { Service } from '../../../shared/openapi/generated/core-v1.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { serviceProblems, serviceUpdateProblems } from './service.ts'
import { defaultService, keepAllocated, syncAddresses } from './service-defaults.ts'
import { settleFamilies } from './service-families.ts'

export function serviceOf(spec: object): Service {
  const service = decodeObject(
    'v1',
    'Service',
    { metadata: { name: 's' }, spec: structuredClone(spec) },
    { fieldValidation: 'Strict' },
  ) as Service
  defaultService(service)
  syncAddresses(service.spec, undefined)
  settleFamilies(service.spec, undefined, ['IPv4'])
  return service
}
const problemsOf = (spec: object) => [...serviceProblems(serviceOf(spec))].map((problem) => `${problem.path}: ${problem.message}`)

test('defaults by type', () => {
  assert.deepEqual(serviceOf({ ports: [{ port: 80 }] }).spec, {
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    ...{ type: 'ClusterIP', sessionAffinity: 'None', sessionAffinityConfig: undefined, internalTrafficPolicy: 'Cluster' },
    ...{ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
  })
  const balancer = serviceOf({ type: 'LoadBalancer', ports: [{ port: 80, targetPort: 'http' }], sessionAffinity: 'ClientIP' }).spec
  assert.equal(balancer.allocateLoadBalancerNodePorts, true)
  assert.equal(balancer.externalTrafficPolicy, 'Cluster')
  assert.equal(balancer.ports?.[0]?.targetPort, 'http')
  assert.deepEqual(balancer.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10800 } })
  const external = serviceOf({ type: 'ExternalName', externalName: 'a.b' }).spec
  assert.equal(external.ipFamilies, undefined)
  assert.equal(external.internalTrafficPolicy, undefined)
})

test('good ones', () => {
  for (const spec of [
    { ports: [{ port: 80 }], selector: { app: 'a' } },
    { clusterIP: 'None', selector: { app: 'a' } },
    { type: 'ExternalName', externalName: 'example.com.' },
    {
      type: 'NodePort',
      ports: [
        { port: 80, nodePort: 30080, name: 'a' },
        { port: 80, protocol: 'UDP', name: 'b' },
      ],
    },
    { type: 'LoadBalancer', ports: [{ port: 80 }], externalTrafficPolicy: 'Local', loadBalancerSourceRanges: ['10.0.0.0/8'] },
    { ports: [{ port: 80 }], externalIPs: ['192.0.2.1'], externalTrafficPolicy: 'Local' },
  ]) {
    assert.deepEqual(problemsOf(spec), [], JSON.stringify(spec))
  }
})

test('bad ones, in upstream words', () => {
  const port = { ports: [{ port: 80 }] }
  const cases: [object, string][] = [
    [{}, 'spec.ports: Required value'],
    [{ ports: [{ port: 80 }, { port: 81 }] }, 'spec.ports[0].name: Required value'],
    [
      {
        ports: [
          { port: 80, name: 'a' },
          { port: 80, name: 'a' },
        ],
      },
      'spec.ports[1].name: Duplicate value: "a"',
    ],
    [
      {
        ports: [
          { port: 80, name: 'a' },
          { port: 80, name: 'b' },
        ],
      },
      'spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}',
    ],
    [{ ports: [{ port: 70000 }] }, 'spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    [
      { ports: [{ port: 80, targetPort: 'UPPER' }] },
      'spec.ports[0].targetPort: Invalid value: "UPPER": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    ],
    [{ ports: [{ port: 80, nodePort: 30000 }] }, "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    [
      { ...port, type: 'Magic' },
      'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
    [
      { ...port, type: 'NodePort', clusterIP: 'None' },
      'spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services',
    ],
    [
      { ...port, clusterIP: 'abc' },
      'spec.clusterIPs[0]: Invalid value: "abc": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [
      { ...port, clusterIP: 'fd00::1', ipFamilies: ['IPv4'] },
      'spec.clusterIPs[0]: Invalid value: "fd00::1": expected an IPv4 value as indicated by `ipFamilies[0]`',
    ],
    [
      { ...port, clusterIP: '10.0.0.2', clusterIPs: ['10.0.0.1'] },
      'spec.clusterIPs: Invalid value: ["10.0.0.1"]: first value must match `clusterIP`',
    ],
    [
      { ...port, clusterIPs: ['10.0.0.1'] },
      'spec.clusterIPs: Invalid value: ["10.0.0.1"]: must be empty when `clusterIP` is not specified',
    ],
    [
      { ...port, clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1', '10.0.0.2'] },
      'spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family',
    ],
    [{ ...port, ipFamilies: ['IPv4', 'IPv4'] }, 'spec.ipFamilies[1]: Duplicate value: "IPv4"'],
    [
      { ...port, ipFamilyPolicy: 'Both' },
      'spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
    [
      { type: 'ExternalName', externalName: 'a', ipFamilyPolicy: 'SingleStack' },
      'spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services',
    ],
    [{ type: 'ExternalName' }, 'spec.externalName: Required value'],
    [
      { type: 'ExternalName', externalName: 'a', clusterIP: '10.0.0.1' },
      "spec.clusterIPs: Forbidden: may not be set when type is 'ExternalName'",
    ],
    [{ ...port, sessionAffinity: 'Cookie' }, 'spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
    [
      { ...port, sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 90000 } } },
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400',
    ],
    [
      { ...port, externalTrafficPolicy: 'Local' },
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
    [
      { ...port, internalTrafficPolicy: 'Near' },
      'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
    ],
    [
      { ...port, externalIPs: ['127.0.0.1'] },
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
    [
      { ...port, loadBalancerSourceRanges: ['10.0.0.0/8'] },
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      { ...port, healthCheckNodePort: 30000 },
      "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
    [{ ...port, selector: { 'a b': 'c' } }, 'spec.selector: Invalid value: "a b": name part must consist of alphanumeric characters'],
  ]
  for (const [spec, expected] of cases) {
    const found = problemsOf(spec)
    assert.ok(
      found.some((line) => line.startsWith(expected)),
      `${JSON.stringify(spec)}\n  wanted ${expected}\n  found  ${found.join('\n         ')}`,
    )
  }
})

/** What an update becomes, given what was stored. */
function updated(change: object, stored: object): { next: Service; problems: string[] } {
  const previous = serviceOf(stored)
  const next = serviceOf(change)
  // A client that replaces may leave out what was allocated: undo what `serviceOf` does for creation.
  if (!('clusterIPs' in change)) next.spec.clusterIPs = undefined
  keepAllocated(next.spec, previous.spec)
  syncAddresses(next.spec, previous.spec)
  return {
    next,
    problems: [...serviceProblems(next), ...serviceUpdateProblems(next, previous)].map((problem) => `${problem.path}: ${problem.message}`),
  }
}

const stored = {
  type: 'NodePort',
  clusterIP: '10.96.0.9',
  clusterIPs: ['10.96.0.9'],
  ports: [
    { port: 80, name: 'a', nodePort: 30001 },
    { port: 81, name: 'b', nodePort: 30002 },
  ],
}

test('an update that leaves out what was allocated keeps it', () => {
  const { next, problems } = updated(
    {
      type: 'NodePort',
      ports: [
        { port: 8080, name: 'a' },
        { port: 82, name: 'c' },
      ],
    },
    stored,
  )
  assert.deepEqual(problems, [])
  assert.deepEqual(next.spec.clusterIPs, ['10.96.0.9'])
  assert.deepEqual(
    next.spec.ports?.map((port) => port.nodePort),
    [30001, undefined],
  )
})

test('a number that moved to another port is not given twice', () => {
  const { next } = updated(
    {
      type: 'NodePort',
      ports: [
        { port: 80, name: 'a' },
        { port: 81, name: 'b', nodePort: 30001 },
      ],
    },
    stored,
  )
  assert.deepEqual(
    next.spec.ports?.map((port) => port.nodePort),
    [undefined, 30001],
  )
})

test('a change of type gives up what the new type does not have', () => {
  const inside = updated({ ...stored, type: 'ClusterIP', externalTrafficPolicy: 'Cluster' }, stored)
  assert.deepEqual(inside.problems, [])
  assert.deepEqual(
    inside.next.spec.ports?.map((port) => port.nodePort),
    [undefined, undefined],
  )
  assert.equal(inside.next.spec.externalTrafficPolicy, undefined)
  const outside = updated({ type: 'ExternalName', externalName: 'a.b', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] }, stored)
  assert.deepEqual(outside.problems, [])
  assert.equal(outside.next.spec.clusterIP, undefined)
})

test('the address is for life', () => {
  const { problems } = updated({ ...stored, clusterIP: '10.96.0.10' }, stored)
  assert.deepEqual(problems, ['spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set'])
})
