/** What breaks inside a pod, or a pod itself, is put right: containers in place, pods by new ones. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerStatus, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { isReady, useCluster } from './cluster.ts'

const cluster = await useCluster('self-healing')
const { kubectl } = cluster

/** Of the only container; a pod that has none yet has done nothing. */
const statusOf = (pod: Pod | undefined): Partial<ContainerStatus> => pod?.status.containerStatuses?.[0] ?? {}

test('a container that is killed runs again in the same pod, counted', async () => {
  await kubectl.ok('run victim --image=nginx:1.27')
  const [pod] = await cluster.pods('run=victim', 1)
  const node = pod?.spec.nodeName ?? ''
  const before = statusOf(pod)
  const [container] = await cluster.containersOn(node)
  assert.equal(before.containerID, `docker://${container?.id}`)

  await cluster.onHost(node, 'docker', 'kill', '--signal=KILL', container?.id ?? '')
  const isBack = (now: Pod) => isReady(now) && statusOf(now).restartCount === 1 && statusOf(now).state?.running !== undefined
  const [again] = await cluster.pods('run=victim', 1, isBack)
  assert.equal(again?.metadata.uid, pod?.metadata.uid)
  assert.equal(again?.status.podIP, pod?.status.podIP, 'the pod keeps its address')
  assert.notEqual(statusOf(again).containerID, before.containerID)
  const { exitCode, reason } = statusOf(again).lastState?.terminated ?? {}
  assert.deepEqual([exitCode, reason], [137, 'Error'])
})

test('one that keeps ending waits longer each time, and says so', async () => {
  await kubectl.ok(['run', 'loop', '--image=busybox:1.36', '--command', '--', 'sh', '-c', 'exit 9'])
  const waits = (pod: Pod) => statusOf(pod).state?.waiting?.reason === 'CrashLoopBackOff' && (statusOf(pod).restartCount ?? 0) >= 2
  const [pod] = await cluster.pods('run=loop', 1, waits, 45_000)
  assert.match(statusOf(pod).state?.waiting?.message ?? '', /^back-off \d+s restarting failed container=loop pod=loop_self-healing\(/)
  assert.equal(statusOf(pod).lastState?.terminated?.exitCode, 9)
  assert.match(await kubectl.ok('get pod loop'), /0\/1 +CrashLoopBackOff +\d+ \(/)
  assert.match(await kubectl.ok('describe pod loop'), /Warning +BackOff/)
  await kubectl.ok('delete pod loop --now')
})

test('a pod that is deleted is replaced, and the Service follows', async () => {
  await kubectl.ok('create deployment web --image=nginx:1.27 --replicas=2')
  await kubectl.ok('expose deployment web --port=80')
  const before = await cluster.pods('app=web', 2)
  const gone = before[0]?.metadata.name ?? ''
  await kubectl.ok(`delete pod ${gone} --now`)
  const now = await cluster.pods('app=web', 2)
  assert.ok(!now.some(({ metadata }) => metadata.name === gone))
  const addresses = now.map(({ status }) => status.podIP).sort()
  await kubectl.ok(
    'wait endpointslice -l kubernetes.io/service-name=web --for=jsonpath={.endpoints[1].conditions.ready}=true --timeout=10s',
  )
  const listed = await kubectl.ok('get endpointslice -l kubernetes.io/service-name=web -o jsonpath={.items[*].endpoints[*].addresses[0]}')
  assert.deepEqual(listed.split(' ').sort(), addresses)
})

test('a program that takes more memory than its limit is ended for it', async () => {
  await kubectl.apply(`
apiVersion: v1
kind: Pod
metadata: { name: greedy, labels: { run: greedy } }
spec:
  restartPolicy: Never
  containers:
    - name: main
      image: busybox:1.36
      command: [sh, -c, 'x=0123456789abcdef; while :; do x=$x$x; done']
      resources: { limits: { memory: 16Mi } }
`)
  const [pod] = await cluster.pods('run=greedy', 1, ({ status }) => status.phase === 'Failed')
  assert.deepEqual([statusOf(pod).state?.terminated?.reason, statusOf(pod).state?.terminated?.exitCode], ['OOMKilled', 137])
  assert.match(await kubectl.ok('get pod greedy'), /OOMKilled/)
})

test('a scratch volume of limited size is full at its size, and the pod lives on', async () => {
  await kubectl.apply(`
apiVersion: v1
kind: Pod
metadata: { name: full, labels: { run: full } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox:1.36
      command: [sleep, '3600']
      volumeMounts: [{ name: scratch, mountPath: /scratch }]
  volumes: [{ name: scratch, emptyDir: { medium: Memory, sizeLimit: 4Mi } }]
`)
  await cluster.pods('run=full', 1)
  const write = 'dd if=/dev/zero of=/scratch/big bs=1M count=8 2>&1; ls -l /scratch/big'
  const result = await kubectl.run(['exec', 'full', '--', 'sh', '-c', write])
  assert.match(result.stdout, /No space left on device/)
  assert.match(result.stdout, / 4194304 /)
  await cluster.pods('run=full', 1)
})
