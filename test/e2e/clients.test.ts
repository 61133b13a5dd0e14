/** Other people's tools and client libraries, unmodified, as their users use them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import { CLIENTS, ensureJavaScriptClients, ensurePythonClient, HELM } from '../harness/other-clients.ts'
import { useCluster } from './cluster.ts'

const cluster = await useCluster('clients')
const { kubectl } = cluster
const env = { ...process.env, KUBECONFIG: cluster.settings.kubeconfig }
await ensureJavaScriptClients()
const folder = mkdtempSync(join(tmpdir(), 'clients-'))
after(() => rmSync(folder, { recursive: true }))

/** Runs a program of `test/clients` in our namespace. What it prints is read line by line. */
function start(program: string, file: string) {
  const child = spawn(program, [join(CLIENTS, file), cluster.namespace], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const limit = setTimeout(() => child.kill('SIGKILL'), 120_000)
  const trouble: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => trouble.push(text))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    /** The next line, or what it said when there is none. */
    async next(): Promise<string> {
      const { value, done } = await lines.next()
      return done ? `it ended with ${await ended}: ${trouble.join('')}` : value
    },
    async code(): Promise<number | null> {
      const code = await ended
      clearTimeout(limit)
      return code
    },
  }
}

const greeting = (group: string) => `
apiVersion: ${group}.clients.example.com/v1
kind: Greeting
metadata: {name: hello}
spec: {words: good morning}
`

/** Makes, changes and deletes a Greeting while an operator is at work, which is asked for each of its observations. */
async function isServedBy(operator: ReturnType<typeof start>, group: string): Promise<void> {
  const kind = `greetings.${group}.clients.example.com`
  await kubectl.apply(greeting(group))
  assert.equal(await operator.next(), 'hello says good morning')
  await kubectl.ok(['patch', kind, 'hello', '--type=merge', '-p', '{"spec":{"words":"good night"}}'])
  assert.equal(await operator.next(), 'hello says good night')
  assert.equal(await kubectl.ok(`get ${kind} hello -o jsonpath={.status.said}`), 'good night')
  assert.equal(await kubectl.ok('get configmap hello -o jsonpath={.data.words}'), 'good night')
  await kubectl.ok(`delete ${kind} hello`)
  assert.equal(await operator.next(), 'deleted hello')
  await kubectl.ok('wait --for=delete configmap/hello --timeout=60s')
  await kubectl.ok(`delete crd ${kind}`)
}

describe('the JavaScript client', () => {
  test('an operator: definition, lease, informer, server-side apply, status', async () => {
    const operator = start(process.execPath, 'operator.mjs')
    for (const line of ['established', 'leading; another is told 409', 'watching']) assert.equal(await operator.next(), line)
    await isServedBy(operator, 'javascript')
    assert.equal(await operator.next(), 'end')
    assert.equal(await operator.code(), 0)
  })

  test('a pod: watch, log, exec with input, port-forward', async () => {
    const user = start(process.execPath, 'pods.mjs')
    for (const line of ['ready', 'log: started', 'exec: heard a word; Failure 3', 'port: from the pod', 'end'])
      assert.equal(await user.next(), line)
    assert.equal(await user.code(), 0)
  })
})

test('the Python client: an operator that was elected, then a pod', async () => {
  const operator = start(await ensurePythonClient(), 'operator.py')
  for (const line of ['established', 'leading']) assert.equal(await operator.next(), line)
  await isServedBy(operator, 'python')
  for (const line of ['log: started', 'exec: heard a word; 3', 'port: from the pod', 'end']) assert.equal(await operator.next(), line)
  assert.equal(await operator.code(), 0)
})

const without = existsSync(HELM) && process.arch === 'x64' ? false : 'Helm’s package is one for Linux on x64'
if (without) process.stdout.write(`# skipped: ${without}\n`)

test('Helm: a new chart installed, upgraded, rolled back, tested, taken away', { skip: without }, async () => {
  const helm = (line: string) => outputOf(HELM, ['--namespace', cluster.namespace, ...line.split(' ')], { cwd: folder, env })
  const image = '--set image.tag=latest'
  await helm('create site')
  assert.match(await helm(`install site ./site ${image} --wait --timeout 120s`), /STATUS: deployed\nREVISION: 1/)
  await helm(`upgrade site ./site ${image} --set replicaCount=2 --wait --timeout 120s`)
  assert.equal(await kubectl.ok('get deployment site -o jsonpath={.status.readyReplicas}'), '2')
  // Nobody waits for an image that is not there.
  await helm('upgrade site ./site --set image.tag=none')
  await helm('rollback site 2 --wait --timeout 120s')
  const history = JSON.parse(await helm('history site -o json')) as { description: string; status: string }[]
  assert.deepEqual(
    history.map(({ status, description }) => `${status}: ${description}`),
    [...['superseded: Install complete', 'superseded: Upgrade complete', 'superseded: Upgrade complete'], 'deployed: Rollback to 2'],
  )
  assert.match(await helm('test site --timeout 120s'), /Phase: +Succeeded/)
  assert.match(await helm('uninstall site'), /release "site" uninstalled/)
  await kubectl.ok('wait --for=delete deployment/site service/site --timeout=60s')
  assert.equal(await helm('list -q'), '')
})
