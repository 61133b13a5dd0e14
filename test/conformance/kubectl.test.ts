import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startApi, type TestApi } from '../harness/api.ts'
import { configMap, deployment, pod, serviceAccount } from '../harness/bodies.ts'

/** The unmodified kubectl against a real API server over TLS: what a person types, and what they see. */
const found = spawnSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' })
const skip = found.status === 0 ? false : 'kubectl is not installed'
if (skip) process.stdout.write(`# skipped: ${skip}\n`)

let api: TestApi

before(async () => {
  if (skip) return
  api = await startApi({ listen: true })
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
})
after(() => api?.stop())

const environment = () => ({
  ...process.env,
  KUBECONFIG: join(api.dataDir, 'credentials', 'admin.kubeconfig'),
  KUBECACHEDIR: join(api.dataDir, 'cache'),
})

interface Outcome {
  code: number
  out: string
  err: string
}

function kubectl(args: readonly string[], input?: string | object, env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      'kubectl',
      ['--cache-dir', join(api.dataDir, 'cache'), ...args],
      { env: { ...environment(), ...env }, maxBuffer: 1 << 26 },
      (error, out, err) => resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
    if (input !== undefined) child.stdin?.end(typeof input === 'string' ? input : JSON.stringify(input))
  })
}

async function works(line: string, input?: string | object, env?: Record<string, string>): Promise<string> {
  const { code, out, err } = await kubectl(line.split(' '), input, env)
  assert.equal(code, 0, `kubectl ${line}: ${err}${out}`)
  return out
}

async function fails(line: string, message: RegExp, input?: string | object): Promise<void> {
  const { code, out, err } = await kubectl(line.split(' '), input)
  assert.notEqual(code, 0, `kubectl ${line} should have failed: ${out}`)
  assert.match(err, message)
}

const file = (name: string, content: string | object): string => {
  const path = join(api.dataDir, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** Resolves when the process has printed what is waited for. */
async function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout!) {
    text += String(chunk)
    if (pattern.test(text)) return text
  }
  throw new Error(`it ended without printing ${pattern}: ${text}`)
}

test('a scale is printed with its columns', { skip }, async () => {
  await works('create -f -', deployment('scaled'))
  assert.match(await works('get deployment scaled --subresource=scale'), /^NAME +DESIRED +AVAILABLE +AGE?\nscaled +1 +0/)
})

test('version, api-resources, api-versions, cluster-info', { skip }, async () => {
  assert.match(await works('version'), /Server Version: v1\.36/)
  assert.match(await works('api-resources'), /deployments +deploy +apps\/v1 +true +Deployment/)
  const versions = (await works('api-versions')).split('\n')
  for (const version of ['v1', 'apps/v1', 'rbac.authorization.k8s.io/v1']) assert.ok(versions.includes(version), version)
  assert.match(await works('cluster-info'), /control plane.* is running at/)
})

test('create, get in every form, delete', { skip }, async () => {
  assert.match(await works('create -f -', configMap('one', { data: { a: 'b' } })), /configmap\/one created/)
  assert.match(await works('get configmap one'), /NAME +DATA +AGE\none +1 +\d+s/)
  assert.match(await works('get cm one -o yaml'), /^data:\n {2}a: b$/m)
  assert.equal((JSON.parse(await works('get cm/one -o json')) as { data: { a: string } }).data.a, 'b')
  assert.equal(await works('get cm one -o jsonpath={.data.a}'), 'b')
  assert.equal(await works('get cm one -o name'), 'configmap/one\n')
  assert.match(await works('describe cm one'), /Name: +one/)
  assert.match(await works('delete cm one'), /configmap "one" deleted/)
  await fails('get cm one', /configmaps "one" not found/)
  await fails('create -f -', /AlreadyExists|already exists/, {
    ...configMap('kube-root'),
    kind: 'Namespace',
    metadata: { name: 'default' },
  })
})

test('a kind that is not served is said to be none, whatever the verb', { skip }, async () => {
  const stranger = { apiVersion: 'example.com/v1', kind: 'Stranger', metadata: { name: 'one' } }
  for (const verb of ['apply', 'create', 'replace', 'delete'])
    await fails(`${verb} -f -`, /no matches for kind "Stranger" in version "example.com\/v1"/, stranger)
})

test('typed create commands, whose bodies are protobuf', { skip }, async () => {
  await works('create namespace made')
  await works('create configmap lit --from-literal=k=v -n made')
  await works('create secret generic pass --from-literal=k=v -n made')
  await works('create serviceaccount robot -n made')
  await works('create deployment web --image=nginx --replicas=2 --port=80 -n made')
  await works('create service clusterip web --tcp=80:8080 -n made')
  await works('create role reader --verb=get,list --resource=pods -n made')
  await works('create rolebinding readers --role=reader --serviceaccount=made:robot -n made')
  await works('create clusterrole nodes-reader --verb=get --resource=nodes')
  await works('create clusterrolebinding nodes-readers --clusterrole=nodes-reader --user=eve')
  await works('create priorityclass high --value=1000')
  await works('create token robot -n made')
  assert.equal(
    await works('get deployment web -n made -o jsonpath={.spec.replicas}/{.spec.template.spec.containers[0].ports[0].containerPort}'),
    '2/80',
  )
  assert.equal(await works('get svc web -n made -o jsonpath={.spec.ports[0].targetPort}'), '8080')
})

test('who may what', { skip }, async () => {
  assert.equal(await works('auth can-i create pods'), 'yes\n')
  assert.equal((await kubectl(['auth', 'can-i', 'get', 'nodes', '--as', 'eve'])).out, 'yes\n')
  assert.equal((await kubectl(['auth', 'can-i', 'delete', 'nodes', '--as', 'eve'])).out, 'no\n')
  assert.match(await works('auth can-i --list --as system:serviceaccount:made:robot -n made'), /pods +\[\] +\[\] +\[get list\]/)
  assert.match(await works('auth whoami'), /kubernetes-admin/)
  await fails('get secrets --as eve', /Forbidden.*User "eve" cannot list resource "secrets"/)
})

test('labels, annotations, selectors, columns', { skip }, async () => {
  for (const name of ['red', 'blue']) await works('create -f -', { ...configMap(name), metadata: { name, labels: { colour: name } } })
  assert.match(await works('get cm -l colour=red'), /^red /m)
  assert.doesNotMatch(await works('get cm -l colour=red'), /^blue /m)
  assert.match(await works('get cm -l colour -L colour'), /^blue +0 +\d+s +blue$/m)
  await works('label cm red size=big')
  await fails('label cm red size=small', /already has a value/)
  await works('label cm red size=small --overwrite')
  await works('label cm red size-')
  await works('annotate cm red note=hello')
  assert.equal(await works('get cm red -o jsonpath={.metadata.annotations.note}{.metadata.labels}'), 'hello{"colour":"red"}')
  assert.match(await works('get cm --field-selector metadata.name=blue -o name'), /^configmap\/blue\n$/)
  assert.match(await works('get cm -A --chunk-size=1 -o name'), /configmap\/red/)
  assert.match(await works('get cm --sort-by=.metadata.name -o custom-columns=N:.metadata.name'), /^N\n/)
  assert.match(await works('get all -n made'), /deployment\.apps\/web/)
})

test('the three patches', { skip }, async () => {
  await works('create -f -', deployment('patched', { replicas: 1 }))
  await works('patch deployment patched -p {"spec":{"replicas":2}}')
  await works('patch deployment patched --type=merge -p {"spec":{"paused":true}}')
  await works('patch deployment patched --type=json -p [{"op":"replace","path":"/spec/replicas","value":3}]')
  assert.equal(await works('get deploy patched -o jsonpath={.spec.replicas}{.spec.paused}'), '3true')
  await works('patch deployment patched --subresource=scale --type=merge -p {"spec":{"replicas":4}}')
  assert.equal(await works('get deploy patched --subresource=scale -o jsonpath={.spec.replicas}'), '4')
})

test('scale, set, autoscale-free rollout verbs', { skip }, async () => {
  await works('create deployment rolled --image=nginx')
  assert.match(await works('scale deployment rolled --replicas=7'), /scaled/)
  await works('set image deployment/rolled nginx=nginx:1.27')
  await works('set env deployment/rolled A=b')
  await works('set resources deployment rolled --limits=cpu=200m,memory=64Mi')
  await works('rollout pause deployment rolled')
  await works('rollout resume deployment rolled')
  await works('rollout restart deployment rolled')
  const container =
    '{.spec.template.spec.containers[0].image}{.spec.template.spec.containers[0].env[0].value}{.spec.template.spec.containers[0].resources.limits.cpu}'
  assert.equal(await works(`get deploy rolled -o jsonpath={.spec.replicas}${container}`), '7nginx:1.27b200m')
  await works('expose deployment rolled --port=80')
  assert.match(await works('describe deployment rolled'), /RollingUpdateStrategy: +25% max unavailable, 25% max surge/)
})

test('apply twice, a change, a removed field, diff, dry runs', { skip }, async () => {
  const manifest = deployment('applied', { replicas: 2, paused: true })
  assert.match(await works(`apply -f ${file('applied.json', manifest)}`), /created/)
  assert.match(await works(`apply -f ${file('applied.json', manifest)}`), /unchanged/)
  assert.equal((await kubectl(['diff', '-f', join(api.dataDir, 'applied.json')])).code, 0)
  const changed = deployment('applied', { replicas: 3 })
  const diff = await kubectl(['diff', '-f', file('changed.json', changed)])
  assert.equal(diff.code, 1, diff.err)
  assert.match(diff.out, /^-\s+paused: true$/m)
  assert.match(diff.out, /^\+\s+replicas: 3$/m)
  assert.match(await works(`apply --dry-run=server -f ${join(api.dataDir, 'changed.json')}`), /configured \(server dry run\)/)
  assert.match(await works(`apply -f ${join(api.dataDir, 'changed.json')}`), /configured/)
  assert.equal(await works('get deploy applied -o jsonpath={.spec.replicas}{.spec.paused}'), '3')
  assert.match(await works('create deployment never --image=x --dry-run=server -o name'), /deployment.apps\/never/)
  await fails('get deployment never', /not found/)
})

test('edit and replace', { skip }, async () => {
  await works('create -f -', configMap('edited', { data: { a: 'before' } }))
  const editor = file('editor.sh', '#!/bin/sh\nsed -i s/before/after/ "$1"\n')
  chmodSync(editor, 0o755)
  assert.match(await works('edit cm edited', undefined, { KUBE_EDITOR: editor }), /configmap\/edited edited/)
  assert.equal(await works('get cm edited -o jsonpath={.data.a}'), 'after')
  await works('replace -f -', configMap('edited', { data: { a: 'replaced' } }))
  assert.equal(await works('get cm edited -o jsonpath={.data.a}'), 'replaced')
  await works('replace --force -f -', configMap('edited', { data: { a: 'forced' } }))
})

test('watch prints changes as they come', { skip }, async () => {
  const child = spawn('kubectl', ['get', 'cm', '-w', '-l', 'watched=yes'], { env: environment() })
  const seen = printed(child, /w1 +2 /)
  await works('create -f -', { ...configMap('w1', { data: { a: 'b' } }), metadata: { name: 'w1', labels: { watched: 'yes' } } })
  // The second change comes after the watch has shown the first, or is part of what it shows.
  await works('patch cm w1 -p {"data":{"c":"d"}}')
  assert.match(await seen, /w1 +2 /)
  child.kill()
  await once(child, 'exit')
})

test('wait for what is, for what will be, and for an end', { skip }, async () => {
  await works('create -f -', configMap('awaited', { data: { state: 'new' } }))
  const waiting = works('wait cm/awaited --for=jsonpath={.data.state}=done --timeout=20s')
  await works('patch cm awaited -p {"data":{"state":"done"}}')
  assert.match(await waiting, /condition met/)
  const ending = works('wait cm/awaited --for=delete --timeout=20s')
  await works('delete cm awaited')
  await ending
  assert.notEqual((await kubectl(['wait', 'cm/red', '--for=jsonpath={.data.x}=y', '--timeout=1s'])).code, 0)
})

test('explain knows every field', { skip }, async () => {
  assert.match(await works('explain pod.spec.containers.livenessProbe'), /httpGet\s+<HTTPGetAction>/)
  assert.match(await works('explain deployments'), /KIND: +Deployment\nVERSION: +v1/)
  await fails('explain pod.spec.nonsense', /field "nonsense" does not exist/)
})

test('raw requests, and mistakes in manifests', { skip }, async () => {
  assert.equal(await works('get --raw /readyz'), 'ok')
  assert.equal((JSON.parse(await works('get --raw /api/v1/namespaces/default')) as { kind: string }).kind, 'Namespace')
  await fails('get --raw /nonsense', /NotFound/)
  await fails(
    'create -f -',
    /strict decoding error: unknown field "spec.containers\[0\].imgae"/,
    pod('bad', { containers: [{ name: 'a', image: 'x', imgae: 'y' }] }),
  )
  await fails('create -f -', /spec.containers: Required value/, pod('bad', { containers: [] }))
  await fails('get potatoes', /the server doesn't have a resource type "potatoes"/)
})

test('delete by label, by file, everything, and now', { skip }, async () => {
  await works('delete cm -l colour')
  await works(`delete -f ${join(api.dataDir, 'applied.json')}`)
  await works('create -f -', pod('gone'))
  assert.match(await works('delete pod gone --now'), /deleted/)
  await works('delete deployment --all -n made')
  assert.match((await kubectl(['get', 'deployments', '-n', 'made'])).err, /No resources found/)
})
