import assert from 'node:assert/strict'
import { readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { eventually } from '../harness/eventually.ts'
import { type RealNode, startRealNode } from '../harness/kubelet-process.ts'

const pod = (name: string, more = '') => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { set: restarts } }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sh, -c, 'trap "exit 0" TERM; while :; do sleep 0.1; done']
${more}`

const isReady = ({ status }: Pod) => !!status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')

describe('a kubelet that dies, a server that is away, objects that change', () => {
  let node: RealNode
  const pods = (condition: (list: Pod[]) => boolean, name?: string) =>
    eventually(node.client, ['v1', 'Pod'], condition, {
      ...{ namespace: 'default', withinMilliseconds: 60_000 },
      ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
    })

  before(async () => {
    node = await startRealNode('10.199.81.0/24')
    await node.joined()
  })
  after(async () => {
    await node?.dispose()
  })

  it('joins with a token, then has certificates of its own for both directions, and a kubeconfig for its neighbours', async () => {
    const requests = (await node.client.list('certificates.k8s.io/v1', 'CertificateSigningRequest')).items
    assert.deepEqual(requests.map(({ spec }) => spec.signerName).sort(), [
      'kubernetes.io/kube-apiserver-client-kubelet',
      'kubernetes.io/kubelet-serving',
    ])
    const kubeconfig = readFileSync(join(node.rootDir, 'kube-proxy.kubeconfig'), 'utf8')
    assert.equal(kubeconfig, readFileSync(join(node.rootDir, 'kubelet.kubeconfig'), 'utf8'))
    const asNode = { KUBECONFIG: join(node.rootDir, 'kube-proxy.kubeconfig') }
    await node.kubectl.ok('get endpointslices,services,nodes -A', { env: asNode })
    assert.match(await node.kubectl.fails('get secrets -A', { env: asNode }), /forbidden/i)
  })

  it('killed and started again, it leaves running containers alone and their pods ready', async () => {
    await node.kubectl.apply(pod('steady'))
    await pods(([one]) => one !== undefined && isReady(one), 'steady')
    const before = await node.containers({ running: true })
    assert.equal(before.length, 2)
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
      await node.stopKubelet(signal)
      node.startKubelet()
      // The proof that it is at work again: what it does with a new pod.
      await node.kubectl.apply(pod('probe'))
      await pods(([one]) => one !== undefined && isReady(one), 'probe')
      await node.kubectl.ok('delete pod probe --now')
      assert.deepEqual(await node.containers({ running: true }), before)
    }
    const [steady] = await pods((list) => list.length === 1, 'steady')
    assert.equal(steady?.status.containerStatuses?.[0]?.restartCount, 0)
  })

  it('killed at any moment of starting pods, it finishes the work without doubling it', async () => {
    const names = ['a', 'b', 'c', 'd']
    for (const [round, name] of names.entries()) {
      await node.kubectl.apply(pod(`crash-${name}`))
      // Each round dies at another stage of the start.
      await pods(([one]) => one?.spec.nodeName !== undefined, `crash-${name}`)
      await eventually(
        node.client,
        ['v1', 'Event'],
        (events) =>
          round < 2 ||
          events.some(
            ({ reason, involvedObject }) => reason === ['Pulled', 'Created'][round - 2] && involvedObject.name === `crash-${name}`,
          ),
        { namespace: 'default' },
      )
      await node.stopKubelet('SIGKILL')
      node.startKubelet()
    }
    await pods(
      (list) => list.filter(({ metadata }) => metadata.name?.startsWith('crash-')).every(isReady) && list.length === names.length + 1,
    )
    const running = await node.containers({ running: true })
    assert.equal(running.length, 2 * (names.length + 1))
    await node.kubectl.ok('delete pod --now crash-a crash-b crash-c crash-d')
  })

  it('a container killed from outside runs again and is counted', async () => {
    const [one] = await pods(([only]) => only !== undefined && isReady(only), 'steady')
    const id = one?.status.containerStatuses?.[0]?.containerID?.replace('docker://', '') ?? ''
    process.kill(await pidOf(id), 'SIGKILL')
    const [again] = await pods(([only]) => only?.status.containerStatuses?.[0]?.restartCount === 1 && isReady(only), 'steady')
    assert.equal(again?.status.containerStatuses?.[0]?.lastState.terminated?.exitCode, 137)
    assert.doesNotReject(node.kubectl.ok('logs steady --previous'))
  })

  it('a pod deleted while the kubelet was away is gone with all its remains when it comes back', async () => {
    await node.kubectl.apply(pod('leaving'))
    await pods(([one]) => one !== undefined && isReady(one), 'leaving')
    await node.stopKubelet('SIGKILL')
    await node.kubectl.ok('delete pod leaving --force --grace-period=0')
    node.startKubelet()
    await node.kubectl.apply(pod('after'))
    await pods(([one]) => one !== undefined && isReady(one), 'after')
    const remains = () =>
      outputOf('docker', [
        'ps',
        '--all',
        '--quiet',
        '--filter',
        'label=io.kubernetes.pod.name=leaving',
        '--filter',
        `label=coxswain.node=${node.nodeName}`,
      ])
    const late = AbortSignal.timeout(20_000)
    while ((await remains()) !== '') late.throwIfAborted()
    await node.kubectl.ok('delete pod after --now')
  })

  it('files from the API follow their objects, all kinds of volumes at once', async () => {
    await node.kubectl.ok('create configmap settings --from-literal=level=1')
    await node.kubectl.ok('create secret generic hidden --from-literal=word=psst')
    await node.kubectl.apply(`
apiVersion: v1
kind: Pod
metadata: { name: files, labels: { color: red } }
spec:
  terminationGracePeriodSeconds: 0
  securityContext: { fsGroup: 4000 }
  containers:
    - name: main
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sleep, '1000']
      env: [{ name: WHO, valueFrom: { fieldRef: { fieldPath: metadata.name } } }]
      volumeMounts:
        - { name: settings, mountPath: /settings }
        - { name: hidden, mountPath: /hidden }
        - { name: facts, mountPath: /facts }
        - { name: scratch, mountPath: /scratch }
        - { name: memory, mountPath: /memory }
        - { name: scratch, mountPath: /part, subPathExpr: parts/$(WHO) }
        - { name: settings, mountPath: /etc/level.conf, subPath: level }
  volumes:
    - { name: settings, configMap: { name: settings } }
    - { name: hidden, secret: { secretName: hidden, defaultMode: 0400 } }
    - { name: facts, downwardAPI: { items: [{ path: labels, fieldRef: { fieldPath: metadata.labels } }] } }
    - { name: scratch, emptyDir: {} }
    - { name: memory, emptyDir: { medium: Memory, sizeLimit: 4Mi } }
`)
    await pods(([one]) => one !== undefined && isReady(one), 'files')
    const inside = (command: string) => node.kubectl.ok(['exec', 'files', '--', 'sh', '-c', command])
    assert.equal(await inside('cat /settings/level /hidden/word /etc/level.conf /facts/labels'), '1psst1color="red"')
    assert.equal(await inside('stat -c %g /scratch; stat -Lc %a /hidden/word; touch /part/x; ls /scratch/parts/files'), '4000\n440\nx')
    assert.match(await inside('df -m /memory | tail -1; touch /settings/no 2>&1 || true'), /4 .*\n.*Read-only file system/s)
    assert.equal(await inside('head -c 5000000 /dev/zero > /memory/big 2>/dev/null; wc -c < /memory/big'), String(4 * 2 ** 20))
    assert.match(await inside('cat /var/run/secrets/kubernetes.io/serviceaccount/ca.crt'), /BEGIN CERTIFICATE/)
    await node.kubectl.ok('delete pod files --now')
    await node.kubectl.apply(pod('marker'))
    await pods(([one]) => one !== undefined && isReady(one), 'marker')
    const kept = (await pods(() => true)).map(({ metadata }) => metadata.uid)
    for (const uid of readdirSync(join(node.rootDir, 'pods'))) assert.ok(kept.includes(uid), `${uid} left its folder`)
    await node.kubectl.ok('delete pod marker --now')
  })

  it('a volume that cannot be provided is explained in an event, and provided as soon as it can be', async () => {
    await node.kubectl.apply(`
apiVersion: v1
kind: Pod
metadata: { name: waits }
spec:
  terminationGracePeriodSeconds: 0
  containers: [{ name: main, image: busybox, imagePullPolicy: IfNotPresent, command: [sleep, '1000'], volumeMounts: [{ name: v, mountPath: /v }] }]
  volumes: [{ name: v, configMap: { name: later } }]
`)
    const about = { namespace: 'default', fieldSelector: 'involvedObject.name=waits' }
    const isSaid = (message: string | undefined) =>
      /MountVolume.SetUp failed for volume "v" : configmap "later" not found/.test(message ?? '')
    await eventually(
      node.client,
      ['v1', 'Event'],
      (events) => events.some(({ reason, message }) => reason === 'FailedMount' && isSaid(message)),
      about,
    )
    await node.kubectl.ok('create configmap later --from-literal=key=value')
    await pods(([one]) => one !== undefined && isReady(one), 'waits')
    await node.kubectl.ok('delete pod waits --now')
  })

  it('without its engine the node says so, and is ready again when the engine answers', async () => {
    const socket = join(node.api.directory, 'engine.sock')
    const ready = (wanted: string) =>
      eventually(node.client, ['v1', 'Node'], ([one]) => one?.status.conditions?.find(({ type }) => type === 'Ready')?.status === wanted)
    await node.stopKubelet('SIGTERM')
    node.startKubelet(`--docker-socket=${socket}`)
    const [down] = await ready('False')
    assert.match(down?.status.conditions?.find(({ type }) => type === 'Ready')?.message ?? '', /^container runtime is down: /)
    symlinkSync('/var/run/docker.sock', socket)
    await ready('True')
    await node.kubectl.apply(pod('engine'))
    await pods(([one]) => one !== undefined && isReady(one), 'engine')
    await node.kubectl.ok('delete pod engine --now')
    const said = (await node.client.list('v1', 'Event')).items
      .filter(({ involvedObject }) => involvedObject.kind === 'Node')
      .map(({ reason }) => reason)
    for (const reason of ['Starting', 'NodeReady', 'NodeNotReady']) assert.ok(said.includes(reason), `${reason} is not among ${said}`)
    await node.stopKubelet('SIGTERM')
    node.startKubelet()
  })

  it('extended resources that somebody advertised stay through a restart', async () => {
    const patch = [{ op: 'add', path: '/status/capacity/example.com~1dongle', value: '3' }]
    const path = `/api/v1/nodes/${node.nodeName}/status`
    const answer = await node.api.call(node.api.admin, 'PATCH', path, patch, 'application/json-patch+json')
    assert.equal(answer.code, 200)
    const has = ([one]: { status: { allocatable?: Record<string, string> | undefined } }[]) =>
      one?.status.allocatable?.['example.com/dongle'] === '3'
    await eventually(node.client, ['v1', 'Node'], has)
    await node.stopKubelet('SIGKILL')
    node.startKubelet()
    await node.kubectl.apply(pod('later'))
    await pods(([one]) => one !== undefined && isReady(one), 'later')
    assert.ok(has((await node.client.list('v1', 'Node')).items))
    await node.kubectl.ok('delete pod later --now')
  })
})

async function pidOf(containerId: string): Promise<number> {
  return Number(await outputOf('docker', ['inspect', '--format', '{{.State.Pid}}', containerId]))
}
