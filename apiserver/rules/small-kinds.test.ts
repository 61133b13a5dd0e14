import assert from 'node:assert/strict'
import test from 'node:test'
import type { FieldProblem } from '../../shared/errors/field-error.ts'
import type { CertificateSigningRequest } from '../../shared/openapi/generated/certificates-v1.ts'
import type { Endpoints, Event, Node, Secret } from '../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import type { ClusterRole, Role, RoleBinding } from '../../shared/openapi/generated/rbac-v1.ts'
import { decodeObject } from '../registry/schema-check.ts'
import { approvalProblems, requestProblems, statusProblems } from './access/certificate-request.ts'
import { bindingProblems, bindingUpdateProblems, defaultBinding } from './access/role-binding.ts'
import { clusterRoleProblems, roleProblems } from './access/role-rules.ts'
import { contentProblems, immutableContentProblems } from './config/key-value-content.ts'
import { secretTypeProblems } from './config/secret-type.ts'
import { eventProblems } from './event/event.ts'
import { nodeProblems, nodeUpdateProblems } from './node.ts'
import { endpointSliceProblems } from './service/endpoint-slice.ts'
import { endpointsProblems } from './service/endpoints.ts'

const lines = (problems: Iterable<FieldProblem>) => [...problems].map((problem) => `${problem.path}: ${problem.message}`)
const made = (apiVersion: string, kind: string, fields: object) =>
  decodeObject(apiVersion, kind, structuredClone(fields), { fieldValidation: 'Strict' })
const base64 = (text: string) => Buffer.from(text).toString('base64')

test('ConfigMaps and Secrets hold files, not too big', () => {
  const content = (entries: Record<string, string>) => lines(contentProblems([{ path: 'data', entries, encoding: 'utf8' }]))
  assert.deepEqual(content({ 'a.b-c_D': 'x', '.hidden': '' }), [])
  assert.match(
    content({ 'a/b': '' }).join(),
    /^data\[a\/b\]: Invalid value: "a\/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.'/,
  )
  assert.deepEqual(content({ '..': '' }), ['data[..]: Invalid value: "..": must not be \'..\''])
  assert.deepEqual(content({ '..a': '' }), ['data[..a]: Invalid value: "..a": must not start with \'..\''])
  assert.deepEqual(content({ a: 'x'.repeat(1024 * 1024 + 1) }), ['data: Too long: may not be more than 1048576 bytes'])
  assert.deepEqual(content({ a: 'x'.repeat(1024 * 1024) }), [])
})

test('immutable means content and mark', () => {
  const change = (next: object, previous: object) =>
    lines(immutableContentProblems<{ immutable?: boolean; data?: object }>(next, previous, ['data']))
  assert.deepEqual(change({ data: { a: '2' } }, { data: { a: '1' } }), [])
  assert.deepEqual(change({ immutable: true, data: { a: '1' } }, { immutable: true, data: { a: '1' } }), [])
  assert.deepEqual(change({ data: { a: '2' } }, { immutable: true, data: { a: '1' } }), [
    'immutable: Forbidden: field is immutable when `immutable` is set',
    'data: Forbidden: field is immutable when `immutable` is set',
  ])
})

test('types of Secrets ask for keys', () => {
  const secret = (fields: object) => lines(secretTypeProblems(made('v1', 'Secret', fields) as Secret))
  assert.deepEqual(secret({ type: 'Opaque' }), [])
  assert.deepEqual(secret({ type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }), ['data[tls.key]: Required value'])
  assert.deepEqual(secret({ type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64('{}') } }), [])
  assert.match(secret({ type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64('{') } }).join(), /redacted/)
  assert.deepEqual(secret({ type: 'kubernetes.io/basic-auth' }), ['data[username]: Required value', 'data[password]: Required value'])
  assert.deepEqual(secret({ type: 'kubernetes.io/service-account-token' }), [
    'metadata.annotations[kubernetes.io/service-account.name]: Required value',
  ])
})

test('roles', () => {
  const role = (rules: object[]) => lines(roleProblems(made('rbac.authorization.k8s.io/v1', 'Role', { rules }) as Role))
  assert.deepEqual(role([{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]), [])
  assert.deepEqual(role([{ apiGroups: [''], resources: ['pods'] }]), [
    'rules[0].verbs: Required value: verbs must contain at least one value',
  ])
  assert.deepEqual(role([{ nonResourceURLs: ['/x'], verbs: ['get'] }]), [
    'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
  ])
  const cluster = (fields: object) => lines(clusterRoleProblems(made('rbac.authorization.k8s.io/v1', 'ClusterRole', fields) as ClusterRole))
  assert.deepEqual(cluster({ rules: [{ nonResourceURLs: ['/x'], verbs: ['get'] }] }), [])
  assert.deepEqual(cluster({ rules: [{ nonResourceURLs: ['/x'], resources: ['pods'], verbs: ['get'] }] }), [
    'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
  ])
  assert.deepEqual(cluster({ aggregationRule: {} }), [
    'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
  ])
})

test('bindings', () => {
  const bindingOf = (fields: object) =>
    made('rbac.authorization.k8s.io/v1', 'RoleBinding', { roleRef: { kind: 'Role', name: 'r' }, ...fields }) as RoleBinding
  const binding = (fields: object, isNamespaced = true) => {
    const it = bindingOf(fields)
    defaultBinding(it)
    return lines(bindingProblems(it, { isNamespaced }))
  }
  assert.deepEqual(
    binding({
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      ],
    }),
    [],
  )
  assert.deepEqual(binding({ subjects: [{ kind: 'ServiceAccount', name: 's' }] }), [])
  const clusterWide = { roleRef: { kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'ServiceAccount', name: 's' }] }
  assert.deepEqual(binding(clusterWide, false), ['subjects[0].namespace: Required value'])
  assert.deepEqual(binding({ subjects: [{ kind: 'Robot', name: 'r' }] }), [
    'subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
  ])
  assert.deepEqual(binding({ subjects: [{ kind: 'User', name: '' }] }), ['subjects[0].name: Required value'])
  assert.deepEqual(binding({ roleRef: { kind: 'Job', name: 'r' } }), [
    'roleRef.kind: Unsupported value: "Job": supported values: "ClusterRole", "Role"',
  ])
  const other = bindingOf({ roleRef: { kind: 'Role', name: 'other' } })
  assert.match(lines(bindingUpdateProblems(other, bindingOf({}))).join(), /^roleRef: Invalid value: .*: cannot change roleRef$/)
})

test('events', () => {
  const event = (fields: object) =>
    lines(
      eventProblems(
        made('v1', 'Event', { metadata: { namespace: 'n', name: 'e' }, involvedObject: { namespace: 'n' }, ...fields }) as Event,
      ),
    )
  assert.deepEqual(event({}), [])
  assert.deepEqual(event({ involvedObject: { namespace: 'm' } }), [
    'involvedObject.namespace: Invalid value: "m": does not match event.namespace',
  ])
  assert.deepEqual(event({ involvedObject: { kind: 'Node' } }), [
    'involvedObject.namespace: Invalid value: "": does not match event.namespace',
  ])
  assert.deepEqual(event({ metadata: { namespace: 'default' }, involvedObject: { kind: 'Node' } }), [])
  assert.deepEqual(event({ eventTime: '2026-11-23T12:00:00.000000Z', type: 'Normal', reason: 'R', action: 'A' }), [
    'reportingController: Required value',
    'reportingInstance: Required value',
  ])
})

test('endpoints', () => {
  const slice = (fields: object) =>
    lines(endpointSliceProblems(made('discovery.k8s.io/v1', 'EndpointSlice', { addressType: 'IPv4', ...fields }) as EndpointSlice))
  assert.deepEqual(slice({ endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ name: '', port: 80, protocol: 'TCP' }] }), [])
  assert.deepEqual(slice({ endpoints: [{ addresses: ['fd00::1'] }] }), [
    'endpoints[0].addresses[0]: Invalid value: "fd00::1": must be an IPv4 address',
  ])
  assert.deepEqual(slice({ endpoints: [{ addresses: [] }] }), ['endpoints[0].addresses: Required value: must contain at least 1 address'])
  assert.deepEqual(slice({ addressType: 'IPX' }), ['addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"'])
  assert.deepEqual(slice({ ports: [{ protocol: 'TCP' }, { protocol: 'TCP' }] }), ['ports[1].name: Duplicate value: ""'])
  const old = (subsets: object[]) => lines(endpointsProblems((made('v1', 'Endpoints', { subsets }) as Endpoints).subsets ?? []))
  assert.deepEqual(old([{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1, protocol: 'TCP' }] }]), [])
  assert.deepEqual(old([{}]), ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'])
  assert.deepEqual(old([{ addresses: [{ ip: '127.0.0.1' }] }]), [
    'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ])
  const never: [address: string, why: RegExp][] = [
    ['::1', /loopback/],
    ['0:0:0:0:0:0:0:1', /loopback/],
    ['::ffff:7f00:1', /loopback/],
    ['::ffff:10.0.0.1', /IPv4-mapped/],
    ['0:0::0', /unspecified/],
    ['169.254.169.254', /link-local range/],
    ['FE80::7', /link-local range/],
    ['224.0.0.251', /link-local multicast/],
    ['ff02::fb', /link-local multicast/],
    ['127.1', /must be a valid IP address/],
  ]
  for (const [address, why] of never) {
    assert.match(old([{ addresses: [{ ip: address }] }]).join(), why, address)
    const addressType = address.includes(':') ? 'IPv6' : 'IPv4'
    assert.notDeepEqual(slice({ addressType, endpoints: [{ addresses: [address] }] }), [], address)
  }
})

test('nodes', () => {
  const node = (spec: object) => made('v1', 'Node', { metadata: { name: 'n' }, spec }) as Node
  assert.deepEqual(
    lines(
      nodeProblems(
        node({
          taints: [
            { key: 'a', effect: 'NoSchedule' },
            { key: 'a', effect: 'NoExecute' },
          ],
          podCIDRs: ['10.0.0.0/24'],
        }),
      ),
    ),
    [],
  )
  assert.deepEqual(lines(nodeProblems(node({ taints: [{ key: 'a', effect: 'Shoo' }] }))), [
    'spec.taints[0].effect: Unsupported value: "Shoo": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
  ])
  assert.match(
    lines(
      nodeProblems(
        node({
          taints: [
            { key: 'a', effect: 'NoExecute' },
            { key: 'a', effect: 'NoExecute' },
          ],
        }),
      ),
    ).join(),
    /Duplicate/,
  )
  assert.deepEqual(lines(nodeProblems(node({ podCIDRs: ['10.0.0.0'] }))), [
    'spec.podCIDRs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
  ])
  assert.deepEqual(lines(nodeUpdateProblems(node({ podCIDRs: ['10.0.1.0/24'] }), node({}))), [])
  assert.deepEqual(lines(nodeUpdateProblems(node({ podCIDRs: ['10.0.2.0/24'] }), node({ podCIDRs: ['10.0.1.0/24'] }))).length, 1)
})

test('certificate requests', () => {
  const pem = base64('-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n')
  const requestOf = (spec: object, status: object = {}) =>
    made('certificates.k8s.io/v1', 'CertificateSigningRequest', {
      spec: { request: pem, signerName: 'a.b/c', usages: ['client auth'], ...spec },
      status,
    }) as CertificateSigningRequest
  assert.deepEqual(lines(requestProblems(requestOf({}))), [])
  const cases: [object, string][] = [
    [{ request: base64('x') }, 'spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST'],
    [{ usages: [] }, 'spec.usages: Required value'],
    [{ usages: ['world domination'] }, 'spec.usages[0]: Unsupported value'],
    [{ signerName: '' }, 'spec.signerName: Required value'],
    [{ signerName: 'abc' }, 'spec.signerName: Invalid value: "abc": must be a fully qualified domain and path'],
    [{ expirationSeconds: 5 }, 'spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds (10 minutes)'],
  ]
  for (const [spec, expected] of cases)
    assert.ok(
      lines(requestProblems(requestOf(spec))).some((line) => line.startsWith(expected)),
      expected,
    )
  const approved = requestOf({}, { conditions: [{ type: 'Approved', status: 'True' }] })
  const denied = requestOf(
    {},
    {
      conditions: [
        { type: 'Approved', status: 'True' },
        { type: 'Denied', status: 'True' },
      ],
    },
  )
  assert.deepEqual(lines(approvalProblems(approved, requestOf({}))), [])
  assert.match(lines(approvalProblems(requestOf({}), approved)).join(), /may not remove a condition of type "Approved"/)
  assert.match(lines(approvalProblems(denied, approved)).join(), /mutually exclusive/)
  assert.match(lines(statusProblems(approved, requestOf({}))).join(), /may not add a condition of type "Approved"/)
  const certificate = base64('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  const issued = requestOf({}, { conditions: approved.status.conditions, certificate })
  assert.deepEqual(lines(statusProblems(issued, approved)), [])
  assert.match(lines(statusProblems(approved, issued)).join(), /may not modify a set certificate/)
})
