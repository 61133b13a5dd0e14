import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startApi, type TestApi } from '../harness/api.ts'
import { deployment, serviceAccount } from '../harness/bodies.ts'

/** Server-side apply as a person does it with the unmodified kubectl. */
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

interface Outcome {
  code: number
  out: string
  err: string
}

function kubectl(line: string): Promise<Outcome> {
  const env = { ...process.env, KUBECONFIG: join(api.dataDir, 'credentials', 'admin.kubeconfig') }
  return new Promise((resolve) => {
    execFile('kubectl', ['--cache-dir', join(api.dataDir, 'cache'), ...line.split(' ')], { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}

async function works(line: string): Promise<string> {
  const { code, out, err } = await kubectl(line)
  assert.equal(code, 0, `kubectl ${line}: ${err}${out}`)
  return out
}

function manifest(name: string, replicas: number, image = 'nginx'): string {
  const path = join(api.dataDir, `${name}-${replicas}-${image}.json`)
  const made = deployment(name, { replicas })
  writeFileSync(path, JSON.stringify(made).replace(/"image":"[^"]*"/, `"image":"${image}"`))
  return path
}

async function managersOf(name: string): Promise<string[]> {
  const answer = await api.request('GET', `/apis/apps/v1/namespaces/default/deployments/${name}`)
  const { managedFields } = answer.json['metadata'] as { managedFields: { manager: string; operation: string; subresource?: string }[] }
  return managedFields.map(({ manager, operation, subresource = '' }) => `${manager} ${operation} ${subresource}`.trim())
}

test('apply, diff, a conflict and how it is forced', { skip }, async () => {
  assert.match(await works(`apply --server-side -f ${manifest('web', 2)}`), /deployment.apps\/web serverside-applied/)
  assert.deepEqual(await managersOf('web'), ['kubectl Apply'])
  const hidden = await works('get deployment web -o yaml')
  assert.doesNotMatch(hidden, /managedFields/)
  assert.match(
    await works('get deployment web -o yaml --show-managed-fields'),
    /managedFields:\n {2}- apiVersion: apps\/v1\n {4}fieldsType: FieldsV1/,
  )

  const diff = await kubectl(`diff --server-side -f ${manifest('web', 3)}`)
  assert.equal(diff.code, 1, diff.err)
  assert.match(diff.out, /^-\s+replicas: 2\n\+\s+replicas: 3$/m)

  await works('scale deployment web --replicas=5')
  assert.deepEqual(await managersOf('web'), ['kubectl Apply', 'kubectl Update scale'])
  const refused = await kubectl(`apply --server-side -f ${manifest('web', 2)}`)
  assert.equal(refused.code, 1)
  assert.match(
    refused.err,
    /Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps\/v1: \.spec\.replicas/,
  )
  assert.match(refused.err, /Please review the fields above--they currently have other managers/)
  await works(`apply --server-side --force-conflicts -f ${manifest('web', 2)}`)
  assert.deepEqual(await managersOf('web'), ['kubectl Apply'])
  assert.equal(await works('get deployment web -o jsonpath={.spec.replicas}'), '2')
})

test('from client-side to server-side apply: no conflict, one manager, and the annotation stays in step', { skip }, async () => {
  await works(`apply -f ${manifest('old', 2)}`)
  assert.deepEqual(await managersOf('old'), ['kubectl-client-side-apply Update'])
  await works(`apply --server-side -f ${manifest('old', 3, 'apache')}`)
  // kubectl keeps the annotation under a name of its own, so that it outlives the change of ways.
  assert.deepEqual(await managersOf('old'), ['kubectl Apply', 'kubectl-last-applied Apply'])
  const last = JSON.parse(await works(`apply view-last-applied deployment/old -o json`)) as { spec: { replicas: number } }
  assert.equal(last.spec.replicas, 3)
})

test('a dry run of the server, and what it does not know', { skip }, async () => {
  assert.match(await works(`apply --server-side --dry-run=server -f ${manifest('dry', 1)}`), /serverside-applied \(server dry run\)/)
  assert.match((await kubectl('get deployment dry')).err, /NotFound/)
  const path = join(api.dataDir, 'wrong.json')
  writeFileSync(path, JSON.stringify(deployment('wrong', { replica: 1 })))
  assert.match((await kubectl(`apply --server-side -f ${path}`)).err, /\.spec\.replica: field not declared in schema/)
})
