import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { deployment, pod } from '../harness/bodies.ts'
import { findKubectl, kubectlFor } from '../harness/kubectl.ts'

const HOST = 'host namespaces (hostNetwork=true)'
const host = { hostNetwork: true }
const exempted: User = { name: 'trusted', groups: ['system:masters', 'system:authenticated'] }

let api: TestApi
let folder: string
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pod-security-'))
  const file = join(folder, 'admission.yaml')
  const configuration = {
    ...{ apiVersion: 'pod-security.admission.config.k8s.io/v1', kind: 'PodSecurityConfiguration' },
    exemptions: { usernames: ['trusted'], namespaces: ['free'] },
  }
  const content = {
    ...{ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration' },
    plugins: [{ name: 'PodSecurity', configuration }],
  }
  writeFileSync(file, JSON.stringify(content))
  api = await startApi({ args: ['--admission-control-config-file', file], listen: true })
})
after(async () => {
  await api.stop()
  rmSync(folder, { recursive: true })
})

const warnings = ({ header }: Answer) =>
  Array.from((header('warning') ?? '').matchAll(/299 - "((?:[^"\\]|\\.)*)"/g), ([, text]) => text!.replaceAll('\\"', '"'))
const labelled = (labels: Record<string, string | null>) =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [`pod-security.kubernetes.io/${name}`, value]))

/** A namespace with a service account, as controllers leave it. */
async function space(name: string, labels: Record<string, string> = {}) {
  const made = await api.request('POST', '/api/v1/namespaces', { metadata: { name, labels: labelled(labels) } })
  assert.equal(made.status, 201, made.text)
  const account = await api.request('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } })
  assert.equal(account.status, 201, account.text)
  return made
}
const create = (namespace: string, body: object, user?: User) => api.request('POST', `/api/v1/namespaces/${namespace}/pods`, body, {}, user)
const merge = (path: string, body: object, user?: User) =>
  api.request('PATCH', path, body, { 'content-type': 'application/strategic-merge-patch+json' }, user)
const relabel = (name: string, labels: Record<string, string | null>, query = '') =>
  merge(`/api/v1/namespaces/${name}${query}`, { metadata: { labels: labelled(labels) } })

test('a pod is refused in upstream’s words; exempt users and namespaces are not asked', async () => {
  await space('strict', { enforce: 'restricted' })
  const refused = await create('strict', pod('web'))
  assert.equal(refused.status, 403)
  const told = [
    'pods "web" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "main" must set',
    'securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "main" must set',
    'securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true),',
    'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ]
  assert.equal(refused.json['message'], told.join(' '))
  assert.deepEqual(refused.json['details'], { name: 'web', kind: 'pods' })
  assert.deepEqual(warnings(refused), [])
  const generated = await create('strict', { ...pod(''), metadata: { generateName: 'web-' } })
  assert.match(String(generated.json['message']), /^pods "web-[a-z0-9]{5}" is forbidden: violates PodSecurity/)
  const good = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [{ name: 'main', image: 'nginx', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
    volumes: [{ name: 'scratch' }],
  }
  assert.equal((await create('strict', pod('good', good))).status, 201)
  assert.equal((await create('strict', pod('trusted', host), exempted)).status, 201)
  assert.deepEqual(warnings(await space('free', { enforce: 'restricted' })), [
    'namespace "free" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored',
  ])
  assert.equal((await create('free', pod('web', host))).status, 201)
})

test('a Deployment is let in with a warning', async () => {
  await space('warned', { enforce: 'baseline' })
  const body = deployment('web')
  const { template } = body.spec
  const bad = { ...body, spec: { ...body.spec, template: { ...template, spec: { ...template.spec, ...host } } } }
  const made = await api.request('POST', '/apis/apps/v1/namespaces/warned/deployments', bad)
  assert.equal(made.status, 201)
  assert.deepEqual(warnings(made), [`would violate PodSecurity "baseline:latest": ${HOST}`])
  const scaled = await merge('/apis/apps/v1/namespaces/warned/deployments/web/scale', { spec: { replicas: 2 } })
  assert.equal(scaled.status, 200)
  assert.deepEqual(warnings(scaled), [])
})

test('labels must be readable; who sets them hears of pods that are there, in a dry run too', async () => {
  await space('settled')
  for (const name of ['b', 'a']) assert.equal((await create('settled', pod(name, host))).status, 201)
  const wrong = await relabel('settled', { enforce: 'strict', 'warn-version': '1.30' })
  assert.equal(wrong.status, 422)
  assert.deepEqual((wrong.json['details'] as { causes: object[] }).causes, [
    {
      reason: 'FieldValueInvalid',
      message: 'Invalid value: "strict": must be one of privileged, baseline, restricted',
      field: 'metadata.labels[pod-security.kubernetes.io/enforce]',
    },
    {
      reason: 'FieldValueInvalid',
      message: 'Invalid value: "1.30": must be "latest" or "v1.x"',
      field: 'metadata.labels[pod-security.kubernetes.io/warn-version]',
    },
  ])
  const told = [
    'existing pods in namespace "settled" violate the new PodSecurity enforce level "baseline:latest"',
    'a (and 1 other pod): host namespaces',
  ]
  assert.deepEqual(warnings(await relabel('settled', { enforce: 'baseline' }, '?dryRun=All')), told)
  assert.equal((await create('settled', pod('c', host))).status, 201, 'a dry run changes nothing')
  assert.deepEqual(warnings(await relabel('settled', { enforce: 'baseline' })), [told[0], 'a (and 2 other pods): host namespaces'])
  assert.equal((await create('settled', pod('d', host))).status, 403, 'labels hold for the next request')
})

test('pods that were there go on: their labels, finalizers and status change, and they go; new images and containers are looked at', async () => {
  await space('old')
  assert.equal((await create('old', pod('web', host))).status, 201)
  await relabel('old', { enforce: 'baseline' })
  const path = '/api/v1/namespaces/old/pods/web'
  const allowed = [
    await merge(path, { metadata: { labels: { a: 'b' }, finalizers: ['example.com/wait'] } }),
    await merge(`${path}/status`, { status: { phase: 'Running', message: 'still here' } }),
    await merge(path, { metadata: { finalizers: null } }),
  ]
  for (const answer of allowed) assert.equal(answer.status, 200, answer.text)
  const image = await merge(path, { spec: { containers: [{ name: 'main', image: 'nginx:2' }] } })
  assert.equal(image.json['message'], `pods "web" is forbidden: violates PodSecurity "baseline:latest": ${HOST}`)
  const debug = { spec: { ephemeralContainers: [{ name: 'debugger', image: 'busybox', securityContext: { privileged: true } }] } }
  const attached = await merge(`${path}/ephemeralcontainers`, debug)
  assert.match(
    String(attached.json['message']),
    /hostNetwork=true\), privileged \(container "debugger" must not set securityContext\.privileged=true\)$/,
  )
  assert.equal((await merge(`${path}/ephemeralcontainers`, debug, exempted)).status, 200)
  assert.equal((await api.request('DELETE', path)).status, 200)
})

test('kubectl applies the example: its Deployment is let in, other pods are not', async () => {
  const kubectl = kubectlFor(await findKubectl(), join(api.dataDir, 'credentials/admin.kubeconfig'), 'careful')
  const { code, stderr } = await kubectl.run(['apply', '-f', join(import.meta.dirname, '../../examples/pod-security.yaml')])
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  const { json } = await api.request('GET', '/apis/apps/v1/namespaces/careful/deployments/modest')
  const { template } = json['spec'] as { template: { spec: object } }
  await api.request('POST', '/api/v1/namespaces/careful/serviceaccounts', { metadata: { name: 'default' } })
  assert.equal((await create('careful', pod('modest', template.spec))).status, 201)
  assert.match(
    await kubectl.fails('run shell --image=busybox:1.36'),
    /pods "shell" is forbidden: violates PodSecurity "restricted:v1\.36": allowPriv/,
  )
})

test('kubectl label ns --all --dry-run=server says which namespaces would be in trouble', async () => {
  await space('trouble')
  assert.equal(
    (await create('trouble', pod('web', { containers: [{ name: 'main', image: 'nginx', ports: [{ containerPort: 80, hostPort: 80 }] }] })))
      .status,
    201,
  )
  const kubectl = kubectlFor(await findKubectl(), join(api.dataDir, 'credentials/admin.kubeconfig'))
  const { code, stdout, stderr } = await kubectl.run(
    'label --dry-run=server --overwrite ns --all pod-security.kubernetes.io/enforce=baseline'.split(' '),
  )
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^namespace\/trouble labeled \(server dry run\)$/m)
  assert.ok(
    stderr.includes('Warning: existing pods in namespace "trouble" violate the new PodSecurity enforce level "baseline:latest"'),
    stderr,
  )
  assert.match(stderr, /^Warning: web: hostPort$/m)
  assert.doesNotMatch(stderr, /namespace "default"/)
})
