import assert from 'node:assert/strict'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { runCommand } from '../../deploy/command.ts'
import { realClock } from '../../shared/time/clock.ts'
import { startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import type { Forecast } from '../../simulation/what-if/forecast.ts'
import { findKubectl } from '../harness/kubectl.ts'
import { deployment } from '../harness/workloads.ts'

const CHECKOUT = resolve(import.meta.dirname, '../..')

test('an unmodified kubectl drains and scales a fork; the program says what became of it, and the live cluster knows nothing', async (context) => {
  const kubectl = await findKubectl()
  const live = await startSimulatedCluster(context, { nodes: 3, outsideClock: realClock(), machine: { allocatable: { pods: '10' } } })
  await live.client.create('apps/v1', 'Deployment', deployment('web', 6))
  await live.client.create('policy/v1', 'PodDisruptionBudget', {
    metadata: { name: 'web', namespace: 'default' },
    spec: { minAvailable: 5, selector: { matchLabels: { app: 'web' } } },
  })
  await live.clock.advance(30_000)
  const revision = (await live.client.list('v1', 'Namespace', {})).metadata.resourceVersion
  const kubeconfig = join(live.directory, 'credentials', 'admin.kubeconfig')
  const whatIf = async (flags: readonly string[], input = '') => {
    const args = [join(CHECKOUT, 'simulation/what-if/main.ts'), `--kubeconfig=${kubeconfig}`, ...flags]
    return runCommand(join(CHECKOUT, 'tools/node'), args, { input, timeout: 60_000 })
  }
  const inJson = async (run: string, flags: readonly string[] = []) => {
    const { code, stdout, stderr } = await whatIf(['--output=json', `--run=${run.replaceAll('kubectl', kubectl)}`, ...flags])
    return { code, stderr, forecast: JSON.parse(stdout) as Forecast }
  }

  const jump = `echo '{"jump": "10m"}' | kubectl create --raw /what-if/clock -f -`
  const drained = await inJson(`kubectl drain node-2 && kubectl scale deployment web --replicas=25 && ${jump}`, ['--for=0'])
  assert.equal(drained.code, 0, drained.stderr)
  assert.match(drained.stderr, /"kind":"Clock",.*"passedSeconds":6\d\d/)
  const node = drained.forecast.nodes.find(({ name }) => name === 'node-2')
  assert.deepEqual([node?.before?.pods, node?.after?.pods, node?.after?.schedulable], [2, 0, false])
  assert.equal(drained.forecast.workloads[0]?.after.ready, 20)
  assert.match(drained.forecast.pending[0]?.why ?? '', /1 node\(s\) were unschedulable, 2 Too many pods/)

  const blocked = await inJson(
    'kubectl patch pdb web --type=merge -p \'{"spec":{"minAvailable":6}}\' && kubectl drain node-2 --timeout=2s',
    ['--for=0'],
  )
  assert.equal(blocked.code, 1)
  assert.match(blocked.stderr, /Cannot evict pod as it would violate the pod's disruption budget/)
  assert.match(blocked.forecast.done[0] ?? '', /exit code 1/)

  // The packages are there: a test is no reason to install them.
  const args = ['-o', 'node_modules/.package-lock.json', 'what-if', 'RUN=word=a; echo "$word$(echo b) 50%"', 'FOR=0']
  const made = await runCommand('make', args, { cwd: CHECKOUT, env: { ...process.env, KUBECONFIG: kubeconfig }, timeout: 60_000 })
  assert.match(made.stderr, /^ab 50%$/m, 'make and the shell leave a command as it was written')

  const played = await whatIf(['--speed=0'], 'jump 1m\ndies node-9\nfly\nreport\nquit\n')
  assert.equal(played.code, 0)
  assert.match(
    played.stderr,
    /export KUBECONFIG=\S+admin\.kubeconfig[\s\S]*time stands still[\s\S]*no node "node-9"[\s\S]*"fly" is none of/,
  )
  assert.match(played.stdout, /1m0s later\n\nNothing is different/)

  assert.equal((await live.client.list('v1', 'Namespace', {})).metadata.resourceVersion, revision)
})

test('what keeps a forecast from being made is said in a sentence', async () => {
  const run = (flags: readonly string[]) =>
    runCommand(join(CHECKOUT, 'tools/node'), [join(CHECKOUT, 'simulation/what-if/main.ts'), ...flags], {})
  const missing = await run(['--kubeconfig=/nowhere/kubeconfig'])
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /^what-if: .*\/nowhere\/kubeconfig/)
  const wrong = await run(['--for=soon'])
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /^what-if: .*--for/)
})
