import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod, Service } from '../../shared/openapi/generated/core-v1.ts'
import type { ReferencedObjects } from '../volumes/referenced-objects.ts'
import { environment } from './environment.ts'
import { servicesFor, serviceVariables } from './service-environment.ts'
import { expand } from './variable-expansion.ts'

const { signal } = new AbortController()

const objects: ReferencedObjects = {
  async configMap(_namespace, name) {
    return name === 'settings'
      ? { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { colour: 'green', '1st': 'no name' } }
      : undefined
  },
  async secret(_namespace, name) {
    const password = Buffer.from('hunter2').toString('base64')
    return name === 'login' ? { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: { password } } : undefined
  },
}

function service(namespace: string, name: string, clusterIP: string, ports: object[]): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, spec: { clusterIP, ports }, status: {} } as Service
}

async function variables(container: object, spec: object = {}, services: Service[] = []): Promise<Record<string, string>> {
  const main = { name: 'main', image: 'i', resources: {}, ...container }
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n', uid: 'u', labels: { app: 'web' } },
    spec: { containers: [main], nodeName: 'n1', enableServiceLinks: false, ...spec },
    status: {},
  }
  const addresses = { podIPs: ['10.0.0.1', 'fd00::1'], hostIPs: ['192.0.2.1'] }
  const sources = { config: objects, services: () => services, allocatable: () => ({ cpu: '4', memory: '8Gi' }) }
  return Object.fromEntries(await environment(pod, main, addresses, sources, signal))
}

test('a reference takes what was set before it, and stays as it is when nothing was', async () => {
  const env = [
    { name: 'A', value: 'a' },
    { name: 'B', value: '$(A)b$(C)$$(A)' },
    { name: 'C', value: 'c' },
  ]
  assert.deepEqual(await variables({ env }), { A: 'a', B: 'ab$(C)$(A)', C: 'c' })
})

test('references in texts', () => {
  const lookup = (name: string) => ({ X: '1', EMPTY: '' })[name]
  for (const [text, expected] of [
    ['$(X)', '1'],
    ['$$(X)', '$(X)'],
    ['$$$(X)', '$1'],
    ['$(Y)', '$(Y)'],
    ['$(EMPTY)', ''],
    ['$X ${X} $', '$X ${X} $'],
    ['$(X', '$(X'],
  ] as const) {
    assert.equal(expand(text, lookup), expected, text)
  }
})

test('whole config maps and secrets, with prefix, names that are none left out, overridden by env', async () => {
  const envFrom = [
    { configMapRef: { name: 'settings' } },
    { prefix: 'S_', secretRef: { name: 'login' } },
    { configMapRef: { name: 'no', optional: true } },
  ]
  assert.deepEqual(await variables({ envFrom, env: [{ name: 'colour', value: 'red' }] }), { colour: 'red', S_password: 'hunter2' })
})

test('single keys, fields and resources', async () => {
  const env = [
    { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
    { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'login', key: 'password' } } },
    { name: 'NONE', valueFrom: { secretKeyRef: { name: 'no', key: 'x', optional: true } } },
    { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
    { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'IPS', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } },
    { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
    { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
  ]
  const found = await variables({ env, resources: { limits: { memory: '64Mi' } } })
  assert.deepEqual(found, {
    COLOUR: 'green',
    PASSWORD: 'hunter2',
    APP: 'web',
    NODE: 'n1',
    IPS: '10.0.0.1,fd00::1',
    LIMIT: '64',
    CPU: '4000',
  })
})

for (const [what, container, message] of [
  ['a missing config map', { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'no', key: 'x' } } }] }, 'configmap "no" not found'],
  [
    'a missing key',
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'x' } } }] },
    "couldn't find key x in ConfigMap n/settings",
  ],
  ['a missing secret', { envFrom: [{ secretRef: { name: 'no' } }] }, 'secret "no" not found'],
  [
    'a field that is none',
    { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.priority' } } }] },
    /unsupported fieldPath spec.priority/,
  ],
  [
    'a resource that is none',
    { env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.love', divisor: '1' } } }] },
    /limits.love/,
  ],
  ['a source unknown here', { env: [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'p', key: 'k' } } }] }, /not supported/],
] as const) {
  test(`${what} keeps the container from being made`, async () => {
    await assert.rejects(variables(container), { reason: 'CreateContainerConfigError', message })
  })
}

test('services become variables: those of the namespace, and the API server always', async () => {
  const services = [
    service('n', 'my-web', '10.96.0.5', [
      { name: 'http', port: 80, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ]),
    service('n', 'headless', 'None', [{ port: 1 }]),
    service('other', 'foreign', '10.96.0.6', [{ port: 1 }]),
    service('default', 'kubernetes', '10.96.0.1', [{ name: 'https', port: 443, protocol: 'TCP' }]),
  ]
  assert.deepEqual(
    servicesFor('n', true, services).map(({ metadata }) => metadata.name),
    ['my-web', 'headless', 'kubernetes'],
  )
  assert.deepEqual(
    servicesFor('n', false, services).map(({ metadata }) => metadata.name),
    ['kubernetes'],
  )
  assert.deepEqual(Object.fromEntries(serviceVariables(services.slice(0, 2))), {
    MY_WEB_SERVICE_HOST: '10.96.0.5',
    MY_WEB_SERVICE_PORT: '80',
    MY_WEB_SERVICE_PORT_HTTP: '80',
    MY_WEB_SERVICE_PORT_DNS: '53',
    MY_WEB_PORT: 'tcp://10.96.0.5:80',
    MY_WEB_PORT_80_TCP: 'tcp://10.96.0.5:80',
    MY_WEB_PORT_80_TCP_PROTO: 'tcp',
    MY_WEB_PORT_80_TCP_PORT: '80',
    MY_WEB_PORT_80_TCP_ADDR: '10.96.0.5',
    MY_WEB_PORT_53_UDP: 'udp://10.96.0.5:53',
    MY_WEB_PORT_53_UDP_PROTO: 'udp',
    MY_WEB_PORT_53_UDP_PORT: '53',
    MY_WEB_PORT_53_UDP_ADDR: '10.96.0.5',
  })
  const env = [
    { name: 'URL', value: 'https://$(KUBERNETES_SERVICE_HOST)' },
    { name: 'KUBERNETES_SERVICE_PORT', value: 'mine' },
  ]
  const found = await variables({ env }, {}, services)
  assert.equal(found['URL'], 'https://10.96.0.1')
  assert.equal(found['KUBERNETES_SERVICE_PORT'], 'mine')
  assert.equal(found['MY_WEB_SERVICE_HOST'], undefined)
})

test('variables that repeat variables stop growing long before they fill the memory', async () => {
  const env = [{ name: 'V0', value: 'x'.repeat(1000) }]
  for (let n = 1; n < 12; n++) env.push({ name: `V${n}`, value: `$(V${n - 1})`.repeat(10) })
  const refusal = { reason: 'CreateContainerConfigError', message: /longer than 131072 characters/ }
  await assert.rejects(variables({ env }), refusal)
  assert.throws(() => expand('$(X)'.repeat(200_000), () => 'a secret of some length'), refusal)
})

test('nor do many variables hold one text many times over', async () => {
  const env = [{ name: 'LONG', value: 'x'.repeat(100_000) }]
  for (let n = 0; n < 100; n++) env.push({ name: `V${n}`, value: '$(LONG)' })
  await assert.rejects(variables({ env }), { message: /environment variables come to more than 6291456 characters/ })
  const fitting = await variables({ env: env.slice(0, 60) })
  assert.equal(fitting['V58']?.length, 100_000)
})
