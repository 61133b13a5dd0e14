import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { podCgroup } from '../../kubelet/containers/container-resources.ts'
import type { Client } from '../../shared/client/client.ts'
import type { ContainerStatus, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { dockerNode } from '../harness/docker-node.ts'
import { eventually } from '../harness/eventually.ts'

const namespace = 'default'

/** Pods of a real API server as real containers on this machine. */
describe('pods on a Docker engine', () => {
  const { signal } = new AbortController()
  let api: TestApi
  let client: Client
  let node: Awaited<ReturnType<typeof dockerNode>>

  before(async () => {
    api = await startApi()
    client = api.client()
    node = await dockerNode(client, '10.199.74.0/24', { podPidsLimit: 100 })
    await node.register()
    await client.create('v1', 'ConfigMap', { metadata: { name: 'kube-root-ca.crt' }, data: { 'ca.crt': 'none' } }, { namespace })
  })
  after(async () => {
    await node?.dispose()
    await api?.stop()
  })

  type Wanted = (pod: Pod) => boolean

  async function until(name: string, wanted: Wanted): Promise<Pod> {
    const found = await eventually(client, ['v1', 'Pod'], (pods) => pods.some(wanted), {
      namespace,
      fieldSelector: `metadata.name=${name}`,
      withinMilliseconds: 60_000,
    })
    const pod = found.find(wanted)
    assert.ok(pod)
    return pod
  }

  async function create(name: string, script: string, container: object = {}, spec: object = {}): Promise<void> {
    const main = { name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script], ...container }
    const draft = {
      metadata: { name, labels: { app: name } },
      spec: { nodeName: node.name, terminationGracePeriodSeconds: 5, containers: [main], ...spec },
    }
    await client.create('v1', 'Pod', draft, { namespace })
  }

  const isReady: Wanted = ({ status }) => status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false
  const hasEnded: Wanted = ({ status }) => status.phase === 'Succeeded' || status.phase === 'Failed'
  const nothing: ContainerStatus = { name: 'main', state: {}, lastState: {}, ready: false, restartCount: -1, image: '', imageID: '' }
  const mainOf = ({ status }: Pod): ContainerStatus => status.containerStatuses?.[0] ?? nothing
  const idOf = (pod: Pod) => (mainOf(pod).containerID ?? '').replace('docker://', '')

  const logsOf = (pod: Pod): Promise<string> => textOf(idOf(pod))

  async function textOf(id: string): Promise<string> {
    const output = new PassThrough()
    let text = ''
    output.on('data', (chunk) => {
      text += chunk
    })
    await node.runtime.logs(id, { follow: false, timestamps: false }, output, signal)
    return text
  }

  async function remove(name: string): Promise<void> {
    await client.delete('v1', 'Pod', { namespace, name })
    await eventually(client, ['v1', 'Pod'], (pods) => pods.length === 0, { namespace, fieldSelector: `metadata.name=${name}` })
  }

  const forever = 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done'

  it('starts a pod and removes it without a trace', async () => {
    await create('passing', forever)
    const { metadata } = await until('passing', isReady)
    await remove('passing')
    await eventuallyGone(metadata.uid ?? '')
  })

  async function eventuallyGone(uid: string): Promise<void> {
    for (let i = 0; i < 100; i++) {
      const left = [
        ...(await node.runtime.listContainers({ podUid: uid }, signal)),
        ...(await node.runtime.listSandboxes({ podUid: uid }, signal)),
      ]
      const folders: string[] = await readdir(join(node.rootDir, 'pods')).catch(() => [])
      if (left.length === 0 && !folders.includes(uid)) return
      await node.clock.sleep(50)
    }
    assert.fail('something of the pod is left')
  }

  it('gives a container its environment, its files and its name', async () => {
    await client.create('v1', 'ConfigMap', { metadata: { name: 'paint' }, data: { colour: 'green' } }, { namespace })
    await create(
      'informed',
      'echo $COLOUR $NAME $IP $GREETING; cat /etc/paint/colour; echo; hostname; grep informed /etc/hosts; cat /scratch/../etc/resolv.conf; echo x > /scratch/x && echo wrote; echo bye > /dev/termination-log',
      {
        env: [
          { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'paint', key: 'colour' } } },
          { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'GREETING', value: 'hello-$(NAME)' },
        ],
        volumeMounts: [
          { name: 'paint', mountPath: '/etc/paint' },
          { name: 'scratch', mountPath: '/scratch' },
        ],
      },
      {
        restartPolicy: 'Never',
        volumes: [
          { name: 'paint', configMap: { name: 'paint' } },
          { name: 'scratch', emptyDir: {} },
        ],
      },
    )
    const pod = await until('informed', hasEnded)
    const text = await logsOf(pod)
    const ip = pod.status.podIP ?? 'nothing'
    assert.equal(pod.status.phase, 'Succeeded', text)
    assert.ok(text.startsWith(`green informed ${ip} hello-informed\ngreen\ninformed\n${ip}\tinformed\n`), text)
    assert.match(text, /search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/)
    assert.match(text, /nameserver 10\.96\.0\.10/)
    assert.match(text, /wrote\n$/)
    assert.equal(mainOf(pod).state.terminated?.message, 'bye\n')
    await remove('informed')
  })

  it('restarts a killed container', async () => {
    await create('victim', forever)
    const pod = await until('victim', isReady)
    const { dockerClient } = await import('../../kubelet/runtime/docker/docker-client.ts')
    await dockerClient('/var/run/docker.sock').call('POST', `/containers/${idOf(pod)}/kill`, { query: { signal: 'KILL' } })
    const again = await until('victim', (one) => mainOf(one).restartCount === 1 && isReady(one))
    assert.equal(mainOf(again).lastState.terminated?.exitCode, 137)
    assert.equal(again.status.podIP, pod.status.podIP)
    await remove('victim')
  })

  it('makes a new sandbox when the old one dies', async () => {
    await create('rehoused', forever)
    const pod = await until('rehoused', isReady)
    const [sandbox] = await node.runtime.listSandboxes({ podUid: pod.metadata.uid }, signal)
    await node.runtime.stopSandbox(sandbox?.id ?? '', signal)
    const again = await until('rehoused', (one) => isReady(one) && mainOf(one).restartCount === 1)
    assert.notEqual(idOf(again), idOf(pod))
    await remove('rehoused')
  })

  it('is restarted without touching what runs, and notices what ended meanwhile', async () => {
    await create('steady', forever)
    await create('brief', 'sleep 0.7; exit 3', {}, { restartPolicy: 'Never' })
    const steady = await until('steady', isReady)
    await until('brief', isReady)
    const uid = (await until('brief', isReady)).metadata.uid
    await node.restart(async () => {
      for (;;) {
        const [brief] = await node.runtime.listContainers({ podUid: uid }, signal)
        if (brief?.state === 'exited') return
        await node.clock.sleep(50)
      }
    })
    const brief = await until('brief', hasEnded)
    assert.equal(brief.status.phase, 'Failed')
    assert.equal(mainOf(brief).state.terminated?.exitCode, 3)
    const after = await until('steady', isReady)
    assert.equal(idOf(after), idOf(steady))
    assert.equal(mainOf(after).state.running?.startedAt, mainOf(steady).state.running?.startedAt)
    await remove('steady')
    await remove('brief')
  })

  it('tells an out-of-memory kill, and a command that is not there', async () => {
    await create('greedy', 'x=a; while :; do x=$x$x; done', { resources: { limits: { memory: '16Mi' } } }, { restartPolicy: 'Never' })
    await create('missing', '', { command: ['no-such-command'] }, { restartPolicy: 'Never' })
    const greedy = await until('greedy', hasEnded)
    assert.equal(mainOf(greedy).state.terminated?.reason, 'OOMKilled')
    const missing = await until('missing', hasEnded)
    assert.equal(mainOf(missing).state.terminated?.reason, 'StartError')
    assert.match(mainOf(missing).state.terminated?.message ?? '', /executable file not found in \$PATH/)
    await remove('greedy')
    await remove('missing')
  })

  it('waits with the app for init containers and shares the volume they fill', async () => {
    const volumeMounts = [{ name: 'work', mountPath: '/notes' }]
    await create(
      'staged',
      'cat /notes/note; exit 0',
      { volumeMounts },
      {
        restartPolicy: 'Never',
        volumes: [{ name: 'work', emptyDir: { medium: 'Memory' } }],
        initContainers: [
          {
            name: 'fill',
            image: 'busybox',
            imagePullPolicy: 'IfNotPresent',
            command: ['sh', '-c', 'echo prepared > /notes/note'],
            volumeMounts,
          },
        ],
      },
    )
    const pod = await until('staged', hasEnded)
    assert.equal(await logsOf(pod), 'prepared\n')
    await remove('staged')
  })

  it('mounts an empty folder for a part that an optional ConfigMap lacks, and the file once it is there', async () => {
    const volumeMounts = [{ name: 'settings', mountPath: '/settings', subPath: 'later' }]
    const volumes = [{ name: 'settings', configMap: { name: 'later', optional: true } }]
    await create(
      'early',
      'ls -A /settings; test -d /settings && echo folder; exit 1',
      { volumeMounts },
      { volumes, restartPolicy: 'Never' },
    )
    assert.equal(await logsOf(await until('early', hasEnded)), 'folder\n')
    await client.create('v1', 'ConfigMap', { metadata: { name: 'later' }, data: { later: 'there' } }, { namespace })
    await create('in-time', 'cat /settings', { volumeMounts }, { volumes, restartPolicy: 'Never' })
    assert.equal(await logsOf(await until('in-time', hasEnded)), 'there')
    await remove('early')
    await remove('in-time')
  })

  it('limits a whole pod where the pod says so, whatever its containers say', async () => {
    await create('together', forever, {}, { resources: { limits: { memory: '64Mi', cpu: '500m' } } })
    const pod = await until('together', isReady)
    const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers')
    const read = (controller: string, file: string) => readFileSync(join('/sys/fs/cgroup', controller, podCgroup(pod), file), 'utf8').trim()
    const found = isUnified
      ? [read('', 'memory.max'), read('', 'cpu.max')]
      : [read('memory', 'memory.limit_in_bytes'), read('cpu', 'cpu.cfs_quota_us')]
    assert.deepEqual(found, [String(64 * 2 ** 20), isUnified ? '50000 100000' : '50000'])
    assert.deepEqual(pod.spec.resources, { limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '500m', memory: '64Mi' } })
    assert.equal(pod.status.qosClass, 'Guaranteed')
    await remove('together')
  })

  it('holds what forks without end to the pod’s own processes', async () => {
    // The shell itself is one of them, so the last is one too many; it gives up at the first that it cannot start.
    const forks = 'n=0; while [ $n -lt 100 ]; do sleep 300 & n=$((n+1)); done; echo all'
    await create('forks', forks, {}, { restartPolicy: 'Never' })
    const pod = await until('forks', hasEnded)
    assert.match(await logsOf(pod), /can't fork: Resource temporarily unavailable/)
    assert.equal(pod.status.phase, 'Failed')
    await create('beside', 'sleep 0 & wait; echo fine', {}, { restartPolicy: 'Never' })
    assert.equal(await logsOf(await until('beside', hasEnded)), 'fine\n')
    await remove('forks')
    await remove('beside')
  })

  it('gives a running pod more and less, as its groups have it, restarts it only where it wants that, and keeps it from its own death', async () => {
    const MEBIBYTE = 2 ** 20
    const amounts = (cpu: string, memory: string) => ({ requests: { cpu, memory: '8Mi' }, limits: { cpu, memory } })
    const resizePolicy = [{ resourceName: 'memory', restartPolicy: 'NotRequired' }]
    const body = (resources: object) => ({ spec: { containers: [{ name: 'main', resources }] } })
    const resize = (resources: object) =>
      client.patch('v1', 'Pod', { namespace, name: 'elastic' }, { type: 'strategic', body: body(resources), subresource: 'resize' })
    const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers')
    const ofContainer = (pod: Pod) => {
      const read = (controller: string, file: string) =>
        readFileSync(join('/sys/fs/cgroup', isUnified ? '' : controller, podCgroup(pod), idOf(pod), file), 'utf8').trim()
      return isUnified
        ? [read('', 'memory.max'), read('', 'cpu.max').split(' ')[0]]
        : [read('memory', 'memory.limit_in_bytes'), read('cpu', 'cpu.cfs_quota_us')]
    }
    const shares = (pod: Pod) => readFileSync(join('/sys/fs/cgroup/cpu', podCgroup(pod), 'cpu.shares'), 'utf8').trim()
    // Its memory is in use: pages of a file in memory cannot be taken back.
    const hold = `dd if=/dev/zero of=/dev/shm/held bs=1M count=24 2>/dev/null; ${forever}`
    await create('elastic', hold, { resources: amounts('200m', '64Mi'), resizePolicy })
    const first = await until('elastic', isReady)
    assert.deepEqual(ofContainer(first), [String(64 * MEBIBYTE), '20000'])

    await resize(amounts('500m', '96Mi'))
    const has = (cpu: string, memory: string) => (pod: Pod) =>
      mainOf(pod).resources?.limits?.['cpu'] === cpu &&
      mainOf(pod).resources?.limits?.['memory'] === memory &&
      !pod.status.conditions?.some(({ type }) => type.startsWith('PodResize'))
    const second = await until('elastic', has('500m', '96Mi'))
    assert.deepEqual(ofContainer(second), [String(96 * MEBIBYTE), '50000'])
    if (!isUnified) assert.equal(shares(second), '512')
    assert.deepEqual([idOf(second), mainOf(second).restartCount], [idOf(first), 0])

    await until('elastic', (pod) => pod.status.observedGeneration === 2)
    await resize(amounts('500m', '10Mi'))
    const refused = await until('elastic', ({ status }) => status.conditions?.some(({ reason }) => reason === 'Error') ?? false)
    const told = refused.status.conditions?.find(({ type }) => type === 'PodResizeInProgress')?.message ?? ''
    assert.match(
      told,
      /^cannot decrease memory limits: attempting to set container "main" memory limit \(10485760\) below current usage \(\d+\)$/,
    )
    assert.deepEqual([ofContainer(refused)[0], mainOf(refused).restartCount], [String(96 * MEBIBYTE), 0])

    await resize(amounts('100m', '48Mi'))
    const last = await until('elastic', has('100m', '48Mi'))
    assert.deepEqual(ofContainer(last), [String(48 * MEBIBYTE), '10000'])
    assert.deepEqual([idOf(last), mainOf(last).restartCount], [idOf(first), 0])
    await remove('elastic')
  })

  it('ends pods that take more of the disk than they may, and says who and how much', async () => {
    const fill = (path: string) => `dd if=/dev/zero of=${path} bs=1M count=4 2>/dev/null; ${forever}`
    const volumes = [{ name: 'scratch', emptyDir: { sizeLimit: '2Mi' } }]
    const volumeMounts = [{ name: 'scratch', mountPath: '/scratch' }]
    const limited = { resources: { limits: { 'ephemeral-storage': '2Mi' } } }
    await create('hoarder', fill('/scratch/big'), { volumeMounts }, { volumes })
    await create('scribbler', fill('/big'), limited)
    await create('modest', fill('/dev/shm/big'), { volumeMounts, ...limited }, { volumes })
    for (const [name, message] of [
      ['hoarder', 'Usage of EmptyDir volume "scratch" exceeds the limit "2Mi". '],
      ['scribbler', `Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. `],
    ] as const) {
      const { status } = await until(name, hasEnded)
      assert.deepEqual([status.phase, status.reason, status.message], ['Failed', 'Evicted', message])
    }
    await until('modest', isReady)
    for (const name of ['hoarder', 'scribbler', 'modest']) await remove(name)
  })

  it('runs as the user asked for, and refuses root where that was asked', async () => {
    await create(
      'humble',
      'id -u; id -g; id -G',
      {},
      { restartPolicy: 'Never', securityContext: { runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000 } },
    )
    assert.equal(await logsOf(await until('humble', hasEnded)), '1000\n2000\n2000 3000\n')
    await create('proud', forever, { securityContext: { runAsNonRoot: true } })
    const proud = await until('proud', (pod) => mainOf(pod).state.waiting?.reason === 'CreateContainerConfigError')
    assert.match(mainOf(proud).state.waiting?.message ?? '', /container has runAsNonRoot and image will run as root/)
    await remove('humble')
    await remove('proud')
  })

  it('lets an ephemeral container wait for its target, and then see its processes', async () => {
    const image = { image: 'busybox', imagePullPolicy: 'IfNotPresent' }
    const initContainers = [{ name: 'gate', ...image, command: ['sh', '-c', 'until [ -e /open ]; do sleep 0.05; done'] }]
    await create('looked-at', forever, {}, { initContainers })
    const held = await until('looked-at', ({ status }) => status.initContainerStatuses?.[0]?.state.running !== undefined)
    const looker = { name: 'looker', targetContainerName: 'main', ...image, command: ['sh', '-c', 'tr "\\0" " " < /proc/1/cmdline'] }
    const body = { spec: { ephemeralContainers: [looker] } }
    await client.patch('v1', 'Pod', { namespace, name: 'looked-at' }, { type: 'strategic', subresource: 'ephemeralcontainers', body })
    const lookerOf = ({ status }: Pod) => status.ephemeralContainerStatuses?.[0]
    const waiting = await until('looked-at', (pod) => lookerOf(pod)?.state.waiting?.message !== undefined)
    assert.equal(lookerOf(waiting)?.state.waiting?.message, 'waiting for its target container "main" to run')
    const gate = (held.status.initContainerStatuses?.[0]?.containerID ?? '').replace('docker://', '')
    await node.runtime.exec(gate, ['touch', '/open'], { tty: false, signal })
    const pod = await until('looked-at', (one) => lookerOf(one)?.state.terminated !== undefined)
    assert.equal(await textOf((lookerOf(pod)?.containerID ?? '').replace('docker://', '')), `sh -c ${forever} `)
    await remove('looked-at')
  })

  it('calls a pod on the host network as the node is called, and others by their full name where asked', async () => {
    const ask = 'echo $HOSTNAME; hostname; tail -n 1 /etc/hosts'
    await create('on-host', ask, {}, { restartPolicy: 'Never', hostNetwork: true })
    await create('in-full', ask, {}, { restartPolicy: 'Never', hostname: 'db', subdomain: 'pg', setHostnameAsFQDN: true })
    const [first, second] = (await logsOf(await until('on-host', hasEnded))).split('\n')
    assert.deepEqual([first, second], [hostname(), hostname()])
    const pod = await until('in-full', hasEnded)
    const full = 'db.pg.default.svc.cluster.local'
    assert.equal(await logsOf(pod), `${full}\n${full}\n${pod.status.podIP}\t${full}\tdb\n`)
    await remove('on-host')
    await remove('in-full')
  })

  it('runs preStop inside the container and lets it finish', async () => {
    await create('polite', forever, {
      lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo goodbye > /proc/1/fd/1; sleep 0.3'] } } },
    })
    const pod = await until('polite', isReady)
    let text = ''
    const output = new PassThrough()
    output.on('data', (chunk) => {
      text += chunk
    })
    const following = node.runtime.logs(idOf(pod), { follow: true, timestamps: false }, output, signal)
    await remove('polite')
    await following
    assert.equal(text, 'up\ngoodbye\n')
  })
})
