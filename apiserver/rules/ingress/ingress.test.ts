import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldProblem } from '../../../shared/errors/field-error.ts'
import type { Ingress, IngressClass } from '../../../shared/openapi/generated/networking-v1.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { ingressProblems, ingressStatusProblems } from './ingress.ts'
import { addressCell, hostsCell } from './ingress-cells.ts'
import { ingressClassProblems, parametersCell } from './ingress-class.ts'

const API = 'networking.k8s.io/v1'
const lines = (problems: Iterable<FieldProblem>) => [...problems].map((problem) => `${problem.path}: ${problem.message}`)
const made = (kind: string, fields: object) => decodeObject(API, kind, structuredClone(fields), { fieldValidation: 'Strict' })
const ofSpec = (spec: object) => lines(ingressProblems((made('Ingress', { spec }) as Ingress).spec))
const web = { service: { name: 'web', port: { number: 80 } } }
const ofPath = (path: object) => ofSpec({ rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend: web, ...path }] } }] })
const AT = 'spec.rules[0].http.paths[0]'

test('an Ingress has a rule or a default backend', () => {
  assert.deepEqual(ofSpec({ defaultBackend: web }), [])
  assert.deepEqual(ofSpec({ rules: [{ host: 'a.example.com' }] }), [])
  assert.deepEqual(ofSpec({}), ['spec: Invalid value: []: either `defaultBackend` or `rules` must be specified'])
  assert.deepEqual(ofSpec({ rules: [{ http: { paths: [] } }] }), ['spec.rules[0].http.paths: Required value'])
})

test('hosts are names, with a wildcard for the first label alone', () => {
  const ofHost = (host: string) => ofSpec({ rules: [{ host }] })
  for (const host of ['a', 'web.example.com', '*.example.com', '*.com']) assert.deepEqual(ofHost(host), [], host)
  for (const host of ['*', 'a.*.com', '*a.example.com', '*.*.com', '*.Example.com']) {
    assert.match(ofHost(host).join(), /^spec.rules\[0\].host: Invalid value: .* a wildcard DNS-1123 subdomain must start with '\*\.'/, host)
  }
  for (const host of ['Web.example.com', 'a_b', 'a:80', 'a/b', 'a..b']) {
    assert.match(ofHost(host).join(), /a lowercase RFC 1123 subdomain/, host)
  }
  assert.deepEqual(ofHost('192.0.2.1'), ['spec.rules[0].host: Invalid value: "192.0.2.1": must be a DNS name, not an IP address'])
  assert.match(
    ofSpec({ defaultBackend: web, tls: [{ hosts: ['a.example.com', 'A'], secretName: 'a_b' }] }).join('\n'),
    /^spec.tls\[0\].hosts\[1\].*\nspec.tls\[0\].secretName: /,
  )
})

test('paths are absolute, and nobody can take one for another', () => {
  assert.deepEqual(ofPath({}), [])
  assert.deepEqual(ofPath({ path: 'a' }), [`${AT}.path: Invalid value: "a": must be an absolute path`])
  assert.deepEqual(ofPath({ path: undefined }), [`${AT}.path: Invalid value: "": must be an absolute path`])
  assert.deepEqual(ofPath({ path: undefined, pathType: 'ImplementationSpecific' }), [])
  assert.deepEqual(ofPath({ path: '/a//b', pathType: 'ImplementationSpecific' }), [])
  assert.deepEqual(ofPath({ path: 'a', pathType: 'ImplementationSpecific' }), [`${AT}.path: Invalid value: "a": must be an absolute path`])
  for (const part of ['//', '/./', '/../', '%2f', '%2F']) {
    assert.ok(
      ofPath({ path: `/a${part}b`, pathType: 'Exact' }).includes(`${AT}.path: Invalid value: "/a${part}b": must not contain '${part}'`),
      part,
    )
  }
  assert.deepEqual(ofPath({ path: '/a/..' }), [`${AT}.path: Invalid value: "/a/..": cannot end with '/..'`])
  assert.deepEqual(ofPath({ path: '/a/.' }), [`${AT}.path: Invalid value: "/a/.": cannot end with '/.'`])
  assert.deepEqual(ofPath({ pathType: 'Regex' }), [
    `${AT}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`,
  ])
  assert.deepEqual(ofPath({ pathType: '' }), [`${AT}.pathType: Required value: pathType must be specified`])
})

test('backends are one thing, and say their port in one way', () => {
  const ofBackend = (backend: object) => ofSpec({ defaultBackend: backend })
  const AT = 'spec.defaultBackend'
  const resource = { apiGroup: 'example.com', kind: 'Bucket', name: 'files' }
  assert.deepEqual(ofBackend({ resource }), [])
  assert.deepEqual(ofBackend({ service: { name: 'web', port: { name: 'http' } } }), [])
  assert.deepEqual(ofBackend({}), [`${AT}: Invalid value: "": resource or service backend is required`])
  assert.deepEqual(ofBackend({ resource, ...web }), [`${AT}: Invalid value: "": cannot set both resource and service backends`])
  assert.deepEqual(ofBackend({ service: { name: 'web', port: {} } }), [`${AT}: Required value: port name or number is required`])
  assert.deepEqual(ofBackend({ service: { name: '', port: { number: 80 } } }), [`${AT}.service.name: Required value`])
  assert.match(ofBackend({ service: { name: '1web', port: { number: 80 } } }).join(), /^spec.defaultBackend.service.name: .*DNS-1035/)
  assert.deepEqual(ofBackend({ service: { name: 'web', port: { number: 80, name: 'http' } } }), [
    `${AT}: Invalid value: "": cannot set both port name & port number`,
  ])
  assert.deepEqual(ofBackend({ service: { name: 'web', port: { number: 65536 } } }), [
    `${AT}.service.port.number: Invalid value: 65536: must be between 1 and 65535, inclusive`,
  ])
  assert.deepEqual(ofBackend({ resource: { kind: 'a/b', name: '..' } }), [
    `${AT}.resource.kind: Invalid value: "a/b": may not contain '/'`,
    `${AT}.resource.name: Invalid value: "..": may not be '..'`,
  ])
})

test('a status holds addresses and names', () => {
  const ofStatus = (ingress: object[]) =>
    lines(ingressStatusProblems((made('Ingress', { status: { loadBalancer: { ingress } } }) as Ingress).status))
  assert.deepEqual(ofStatus([{ ip: '192.0.2.1' }, { hostname: 'lb.example.com' }]), [])
  assert.match(ofStatus([{ ip: 'x' }]).join(), /^status.loadBalancer.ingress\[0\].ip: .* must be a valid IP address/)
  assert.match(ofStatus([{ hostname: '192.0.2.1' }]).join(), /must be a DNS name, not an IP address/)
})

test('classes say who serves them, and where parameters are', () => {
  const ofClass = (spec: object) => lines(ingressClassProblems((made('IngressClass', { spec }) as IngressClass).spec))
  const parameters = { kind: 'Settings', name: 'a', scope: 'Cluster' }
  assert.deepEqual(ofClass({ controller: 'example.com/a', parameters }), [])
  assert.deepEqual(ofClass({}), ['spec.controller: Required value'])
  assert.match(ofClass({ controller: 'nginx' }).join(), /must be a domain-prefixed path/)
  assert.match(ofClass({ controller: `example.com/${'a'.repeat(250)}` }).join(), /Too long: may not be more than 250 bytes/)
  assert.deepEqual(ofClass({ controller: 'example.com/a', parameters: { ...parameters, scope: 'Namespace' } }), [
    "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
  ])
  assert.deepEqual(ofClass({ controller: 'example.com/a', parameters: { ...parameters, namespace: 'a' } }), [
    "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
  ])
  assert.equal(parametersCell({ apiGroup: 'example.com', kind: 'Settings', name: 'a', scope: 'Cluster' }), 'Settings.example.com/a')
  assert.equal(parametersCell(undefined), '<none>')
})

test('kubectl get ingress shows hosts and addresses as upstream counts them', () => {
  const hosts = (...names: (string | undefined)[]) => hostsCell(names.map((host) => ({ host })))
  assert.equal(hosts(undefined), '*')
  assert.equal(hosts('a', undefined, 'b'), 'a,b')
  assert.equal(hosts('a', 'b', 'c', 'd', 'e'), 'a,b,c + 2 more...')
  const address = (...ingress: { ip?: string; hostname?: string }[]) => addressCell({ loadBalancer: { ingress } })
  assert.equal(address(), '')
  assert.equal(address({ ip: '192.0.2.2' }, { ip: '192.0.2.2' }), '192.0.2.2')
  assert.equal(address({ ip: '192.0.2.100' }, { hostname: 'lb.example.com' }), '192.0.2.100,l...')
})
