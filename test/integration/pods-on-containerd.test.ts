import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { realClock } from '../../shared/time/clock.ts'
import { eventually } from '../harness/eventually.ts'
import { type RealNode, startRealNode } from '../harness/kubelet-process.ts'
import { type PrivateContainerd, privateContainerd } from '../harness/private-containerd.ts'

/** Everything a pod has that a runtime takes part in. */
const everything = `
apiVersion: v1
kind: ConfigMap
metadata: { name: paint }
data: { colour: green }
---
apiVersion: v1
kind: Pod
metadata: { name: whole, labels: { app: whole } }
spec:
  terminationGracePeriodSeconds: 2
  volumes:
    - { name: paint, configMap: { name: paint } }
    - { name: shared, emptyDir: {} }
  initContainers:
    - name: prepare
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sh, -c, 'echo prepared > /shared/page']
      volumeMounts: [{ name: shared, mountPath: /shared }]
  containers:
    - name: main
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sh, -c, 'cat /paint/colour; echo; echo $GREETING; exec httpd -f -p 8080 -h /shared']
      env: [{ name: GREETING, value: hello }]
      resources: { requests: { cpu: 50m, memory: 16Mi }, limits: { memory: 32Mi } }
      volumeMounts: [{ name: shared, mountPath: /shared }, { name: paint, mountPath: /paint }]
      startupProbe: { exec: { command: [test, -e, /shared/page] }, periodSeconds: 1, timeoutSeconds: 10 }
      readinessProbe: { httpGet: { path: /page, port: 8080 }, periodSeconds: 1, timeoutSeconds: 10 }
      livenessProbe: { exec: { command: [sh, -c, '[ ! -e /shared/sick ]'] }, periodSeconds: 1, timeoutSeconds: 10, failureThreshold: 1 }
    - name: talker
      image: busybox
      imagePullPolicy: IfNotPresent
      stdin: true
      stdinOnce: true
      command: [cat]
`

const greedy = `
apiVersion: v1
kind: Pod
metadata: { name: greedy }
spec:
  restartPolicy: Never
  containers:
    - name: main
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sh, -c, 'x=a; while :; do x=$x$x; done']
      resources: { limits: { memory: 16Mi } }
`

const isReady = ({ status }: Pod) => status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false
const mainOf = ({ status }: Pod) => status.containerStatuses?.find(({ name }) => name === 'main')

describe('a node on containerd', () => {
  let containerd: PrivateContainerd
  let node: RealNode
  let logsDir: string

  before(async () => {
    containerd = await privateContainerd(['busybox', 'registry.k8s.io/pause:3.10'])
    logsDir = join(containerd.folder, 'pods')
    node = await startRealNode(
      '10.199.91.0/24',
      [],
      [
        `--container-runtime-endpoint=${containerd.endpoint}`,
        `--cni-config-dir=${containerd.networkConfigDir}`,
        `--pod-logs-dir=${logsDir}`,
      ],
    )
    await node.joined()
  })
  after(async () => {
    await node?.dispose()
    await containerd?.dispose()
  })

  const pod = async (name: string, wanted: (pod: Pod) => boolean) => {
    const options = { namespace: 'default', fieldSelector: `metadata.name=${name}`, withinMilliseconds: 60_000 }
    const [found] = await eventually(node.client, ['v1', 'Pod'], ([only]) => only !== undefined && wanted(only), options)
    assert.ok(found)
    return found
  }

  it('says which runtime it has, and takes pods as soon as the runtime knows the network', async () => {
    const [found] = await eventually(node.client, ['v1', 'Node'], (nodes: Node[]) => nodes.length === 1)
    assert.match(found?.status.nodeInfo?.containerRuntimeVersion ?? '', /^containerd:\/\/1\./)
    assert.ok(existsSync(join(containerd.networkConfigDir, '10-coxswain.conflist')))
  })

  it('runs a pod with init container, probes, volumes and limits, and serves logs, exec, attach, ports and usage', async () => {
    const { kubectl } = node
    await kubectl.apply(everything)
    const whole = await pod('whole', isReady)
    assert.match(mainOf(whole)?.containerID ?? '', /^containerd:\/\/[0-9a-f]{64}$/)
    assert.ok(whole.status.podIP?.startsWith('10.199.91.'))
    assert.equal(whole.status.initContainerStatuses?.[0]?.state.terminated?.reason, 'Completed')
    assert.equal(await kubectl.ok('logs whole -c main'), 'green\nhello')
    const log = join(logsDir, `default_whole_${whole.metadata.uid}`, 'main', '0.log')
    assert.match(readFileSync(log, 'utf8'), /^\S+ stdout F green\n/)
    assert.equal(await kubectl.ok('exec whole -c main -- cat /shared/page'), 'prepared')
    assert.match(await kubectl.fails(['exec', 'whole', '-c', 'main', '--', 'sh', '-c', 'exit 3']), /exit code 3/)
    const limit = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'
    assert.equal(await kubectl.ok(['exec', 'whole', '-c', 'main', '--', 'sh', '-c', limit]), String(32 * 2 ** 20))
    const said = await kubectl.run(['attach', 'whole', '-c', 'talker', '-i'], { input: 'to and fro\n' })
    assert.match(said.stdout, /to and fro/)
    const usage = JSON.parse(await kubectl.ok(`get --raw /api/v1/nodes/${node.nodeName}/proxy/stats/summary`))
    const measured = usage.pods.find(({ podRef }: { podRef: { name: string } }) => podRef.name === 'whole')
    assert.ok(measured.containers.find(({ name }: { name: string }) => name === 'main').memory.workingSetBytes > 0)
    assert.ok(measured.network.interfaces.some(({ name }: { name: string }) => name === 'eth0'))
    const page = await kubectl.ok('get --raw /api/v1/namespaces/default/pods/whole:8080/proxy/page')
    assert.equal(page, 'prepared')
  })

  it('tells an out-of-memory kill', async () => {
    await node.kubectl.apply(greedy)
    const ended = await pod('greedy', ({ status }) => status.phase === 'Failed')
    assert.equal(mainOf(ended)?.state.terminated?.reason, 'OOMKilled')
    assert.equal(mainOf(ended)?.state.terminated?.exitCode, 137)
    await node.kubectl.ok('delete pod greedy --now')
  })

  it('changes nothing of a pod while kubelet and runtime are killed and come back', async () => {
    const before = await pod('whole', isReady)
    await node.stopKubelet('SIGKILL')
    await containerd.kill()
    await containerd.start()
    node.startKubelet()
    await node.kubectl.apply(greedy.replace('name: greedy', 'name: proof'))
    await pod('proof', ({ status }) => status.phase === 'Failed')
    await node.kubectl.ok('delete pod proof --now')
    const now = await pod('whole', isReady)
    assert.deepEqual([mainOf(now)?.containerID, mainOf(now)?.restartCount], [mainOf(before)?.containerID, 0])
    assert.equal(now.status.podIP, before.status.podIP)
  })

  it('starts again what its probe finds sick, and counts on in a new sandbox when the old one died', async () => {
    const { kubectl } = node
    await kubectl.ok('exec whole -c main -- touch /shared/sick')
    await pod('whole', (one) => (mainOf(one)?.restartCount ?? 0) >= 1)
    await kubectl.ok('delete pod whole --now')
    await kubectl.apply(everything.replace('/shared/sick', '/shared/never'))
    const first = await pod('whole', isReady)
    const sandbox = (await containerd.ctr('containers', 'list', `labels."io.cri-containerd.kind"==sandbox`, '--quiet')).trim()
    await containerd.ctr('tasks', 'kill', '--signal', 'SIGKILL', sandbox)
    const again = await pod('whole', (one) => isReady(one) && mainOf(one)?.restartCount === 1)
    assert.notEqual(again.status.podIP, first.status.podIP)
    assert.match(await kubectl.ok('logs whole -c main --previous'), /hello/)
  })

  it('leaves nothing in the runtime of what was deleted', async () => {
    await node.kubectl.ok('delete pod whole --now')
    const clock = realClock()
    const left = async () =>
      [...(await containerd.ctr('containers', 'list', '--quiet')).split('\n'), ...readdirSync(logsDir)].filter((one) => one !== '')
    for (let tries = 0; tries < 100 && (await left()).length > 0; tries++) await clock.sleep(100)
    assert.deepEqual(await left(), [])
  })
})
