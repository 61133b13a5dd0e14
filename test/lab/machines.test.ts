/** One machine's life in a cluster: refused, joined without a network, upgraded under its pods, drained, and left as it was. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runCommand } from '../../deploy/command.ts'
import { ownHome } from '../../deploy/lab/machine/release.ts'
import { machineFolder } from '../../deploy/lab/namespaces/lab-state.ts'
import { onMachine } from '../../deploy/lab/namespaces/machines.ts'
import { LAB, NODES, SPARE } from './lab-of-tests.ts'
import { snapshotOf } from './snapshot.ts'
import { useLab } from './use-lab.ts'
import { webDeployment } from './workload.ts'

const lab = await useLab('machines')
const { kubectl } = lab
const nodes = Array.from({ length: NODES }, (_, index) => `n${index + 1}`)
const bundle = '/var/tmp/bundle'
const outside = join(machineFolder(LAB, SPARE), bundle)
const program = join(ownHome, 'deploy/lab/coxswain-lab.sh')
after(() => rmSync(outside, { recursive: true, force: true }))

const words = async (...flags: string[]) => (await lab.lab('server', 'token', 'create', ...flags)).trim().split(' ').slice(1)
const attempt = (...args: string[]) => onMachine(LAB, lab.machine(SPARE), [program, ...args])

test('a machine that may not join says why in a sentence, and is left as it was', async () => {
  const before = await snapshotOf(lab, SPARE)
  const command = await words('--description=to be deleted')
  const { stdout: list } = await onMachine(LAB, lab.machine('server'), [program, 'token', 'list'])
  assert.match(list, /TOKEN +ENDS +DESCRIPTION\n[\s\S]*to be deleted/)
  const [, id = ''] = /--token=(\w{6})/.exec(command.join(' ')) ?? []

  const taken = await attempt(...command, '--node-name=n1', '--patience=1s')
  assert.equal(taken.code, 1)
  assert.match(taken.stderr, /another machine is the node n1, and it is alive\n\nCure: .*--node-name/)
  const bare = await attempt(...command.filter((word) => !word.includes('hash')))
  assert.equal(bare.code, 2)
  assert.match(bare.stderr, /--discovery-token-ca-cert-hash is required/)
  await lab.lab('server', 'token', 'delete', id)
  const late = await attempt(...command)
  assert.equal(late.code, 1)
  assert.match(late.stderr, new RegExp(`does not take the token ${id}`))
  const twice = await onMachine(LAB, lab.machine('n1'), [program, ...command])
  assert.match(twice.stderr, /already a node of the cluster/)
  assert.deepEqual(await snapshotOf(lab, SPARE), before)
})

test('joins from a bundle without a network, is upgraded under its pods, drained, and left as it was', async () => {
  const made = await runCommand(program, ['bundle', `--output=${outside}`, '--images=busybox:1.36'], { env: process.env })
  assert.equal(made.code, 0, made.stderr)
  const before = await snapshotOf(lab, SPARE)
  const own = `${bundle}/deploy/lab/coxswain-lab.sh`
  await lab.on(SPARE, own, ...(await words()))
  await lab.nodesReady([...nodes, SPARE])
  await kubectl.apply(webDeployment('web', NODES + 1))
  const pods = await lab.pods('app=web', NODES + 1, undefined, 90_000)
  assert.ok(
    pods.some(({ spec }) => spec.nodeName === SPARE),
    'it gets pods',
  )
  const doctor = await lab.on(SPARE, 'coxswain-lab', 'doctor')
  assert.doesNotMatch(doctor, /^[✗!]/m)
  assert.match(doctor, /kube-proxy runs, by s6/)

  const containers = () => lab.on(SPARE, 'docker', 'ps', '--no-trunc', '--format', '{{.ID}} {{.CreatedAt}}')
  const running = await containers()
  const release = await lab.on(SPARE, 'readlink', '/usr/local/lib/coxswain/current')
  const began = await lab.on(SPARE, 's6-svstat', '-o', 'pid', '/run/coxswain/s6/kubelet')
  await lab.on(SPARE, own, 'upgrade')
  assert.equal(await containers(), running, 'its pods ran on')
  assert.notEqual(await lab.on(SPARE, 'readlink', '/usr/local/lib/coxswain/current'), release)
  assert.notEqual(await lab.on(SPARE, 's6-svstat', '-o', 'pid', '/run/coxswain/s6/kubelet'), began)

  await lab.on(SPARE, 'coxswain-lab', 'leave')
  await kubectl.ok(`delete node ${SPARE}`)
  await lab.pods('app=web', NODES + 1, ({ spec, status }) => spec.nodeName !== SPARE && status.phase === 'Running')
  assert.deepEqual(await snapshotOf(lab, SPARE), before)
})
