import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { startCluster } from '../../test/harness/cluster.ts'
import { type SimulatedNodeOptions, simulatedNode } from '../../test/harness/simulated-node.ts'
import type { ContainerConfig } from '../runtime/container-runtime.ts'
import { RuntimeError } from '../runtime/container-runtime.ts'
import type { Behaviour } from '../runtime/simulated-behaviour.ts'
import { VolumeError } from '../volumes/volume.ts'

type Behaviours = (config: ContainerConfig) => Behaviour

/** The real API server, one node whose containers behave as told, and virtual time. */
async function bench(context: TestContext, behave: Behaviours = () => ({}), more: Partial<SimulatedNodeOptions> = {}) {
  const cluster = await startCluster()
  context.after(() => cluster.stop())
  const { client, clock, tools } = cluster
  await client.create('v1', 'ServiceAccount', { metadata: { name: 'default' } }, { namespace: 'default' })
  await client.create('v1', 'Node', { metadata: { name: 'n1' } })
  const said: string[] = []
  const record = (_about: KubeObject, _type: string, reason: string, message: string) => void said.push(`${reason}: ${message}`)
  const events = { record, flush: async () => {} }
  const newNode = (runtime: SimulatedNodeOptions['runtime'] = {}) =>
    simulatedNode({ name: 'n1', client, tools, events, runtime: { script: behave, ...runtime }, ...more })
  let node = newNode(more.runtime)
  await cluster.add({ start: () => node.start(), stop: () => node.stop() })

  const start = async (name: string, spec: object = {}, metadata: object = {}) => {
    const container = { name: 'main', image: 'app:1', ...('main' in spec ? (spec.main as object) : {}) }
    const { main: _, ...rest } = spec as { main?: object }
    const draft = { metadata: { name, ...metadata }, spec: { nodeName: 'n1', containers: [container], ...rest } }
    await client.create('v1', 'Pod', draft, { namespace: 'default' })
    await clock.settle()
  }
  const get = (name: string): Promise<Pod> => client.get('v1', 'Pod', { namespace: 'default', name })
  return {
    ...{ cluster, client, clock, said, start, get },
    get node() {
      return node
    },
    /** The kubelet goes and comes back; what ran in the runtime went on meanwhile. */
    async restart() {
      await node.stop()
      node = newNode({ state: node.state })
      await node.start()
      await clock.settle()
    },
    async phase(name: string) {
      return (await get(name)).status.phase
    },
    async main(name: string) {
      const [status] = (await get(name)).status.containerStatuses ?? []
      assert.ok(status, 'the pod has a container status')
      return status
    },
    conditions: async (name: string) =>
      Object.fromEntries(((await get(name)).status.conditions ?? []).map(({ type, status }) => [type, status])),
    isThere: async (name: string) =>
      (await client.list('v1', 'Pod', { namespace: 'default' })).items.some(({ metadata }) => metadata.name === name),
  }
}

test('a pod starts, is ready, and has its addresses', async (context) => {
  const { start, get, conditions } = await bench(context)
  await start('web')
  const { status } = await get('web')
  assert.equal(status.phase, 'Running')
  assert.equal(status.hostIP, '192.0.2.7')
  assert.match(status.podIP ?? '', /^10\.244\./)
  assert.equal(status.qosClass, 'BestEffort')
  assert.ok(status.startTime)
  const [main] = status.containerStatuses ?? []
  assert.ok(main?.ready && main.started && main.state.running?.startedAt && main.containerID?.startsWith('simulated://'))
  assert.equal(main.restartCount, 0)
  const all = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']
  assert.deepEqual(await conditions('web'), Object.fromEntries(all.map((type) => [type, 'True'])))
  assert.ok(
    status.conditions?.every(({ reason, message }) => reason === undefined && message === undefined),
    'no reason outlives its state',
  )
})

test('a crash is repaired at once, then more and more slowly, and after ten good minutes at once again', async (context) => {
  const { start, get, main, clock, node, said } = await bench(context)
  await start('web')
  const crash = async () => {
    const id = (await main('web')).containerID?.replace('simulated://', '') ?? ''
    node.runtime.crash(id, 3)
    await clock.settle()
  }
  await crash()
  const first = await main('web')
  assert.equal(first.restartCount, 1)
  assert.equal(first.lastState.terminated?.exitCode, 3)
  assert.equal(first.lastState.terminated.reason, 'Error')

  await crash()
  const held = await main('web')
  assert.equal(held.state.waiting?.reason, 'CrashLoopBackOff')
  assert.match(held.state.waiting.message ?? '', /^back-off 10s restarting failed container=main pod=web_default\(/)
  assert.ok(said.some((line) => line.startsWith('BackOff: Back-off restarting failed container main in pod web_default(')))
  await clock.advance(9_000)
  assert.equal((await main('web')).restartCount, 1)
  await clock.advance(1_100)
  assert.equal((await main('web')).restartCount, 2)

  await crash()
  await clock.advance(19_000)
  assert.equal((await main('web')).restartCount, 2)
  await clock.advance(1_100)
  assert.equal((await main('web')).restartCount, 3)

  await clock.advance(601_000)
  await crash()
  assert.equal((await main('web')).restartCount, 4)
  const { resourceVersion } = (await get('web')).metadata
  await clock.advance(120_000)
  assert.equal((await get('web')).metadata.resourceVersion, resourceVersion, 'what is reported comes to rest')
})

test('only the last ended instance is kept beside the running one', async (context) => {
  const { start, clock, node, main } = await bench(context)
  await start('web')
  for (let i = 0; i < 4; i++) {
    node.runtime.crash((await main('web')).containerID?.replace('simulated://', '') ?? '', 1)
    await clock.advance(301_000)
  }
  assert.equal((await main('web')).restartCount, 4)
  assert.equal(node.state.containers.size, 2)
})

test('a restarted kubelet adopts what runs and touches nothing', async (context) => {
  const subject = await bench(context)
  await subject.start('web')
  const before = await subject.main('web')
  const { resourceVersion } = (await subject.get('web')).metadata
  await subject.restart()
  await subject.clock.advance(120_000)
  const after = await subject.get('web')
  assert.equal(after.status.containerStatuses?.[0]?.containerID, before.containerID)
  assert.equal(after.metadata.resourceVersion, resourceVersion, 'not even a status was written')
  assert.equal(subject.node.state.containers.size, 1)
})

test('what crashed while the kubelet was away is started again', async (context) => {
  const subject = await bench(context)
  await subject.start('web')
  const id = (await subject.main('web')).containerID?.replace('simulated://', '') ?? ''
  const crash = subject.node.runtime.crash
  const restarting = subject.restart()
  crash(id, 9)
  await restarting
  assert.equal((await subject.main('web')).restartCount, 1)
})

test('after a power cut every pod comes back in a new sandbox', async (context) => {
  const { start, node, clock, main, get } = await bench(context)
  await start('web')
  const ip = (await get('web')).status.podIP
  node.runtime.powerCut()
  await clock.advance(10_000)
  const status = await main('web')
  assert.ok(status.state.running)
  assert.equal(status.restartCount, 1)
  assert.notEqual((await get('web')).status.podIP, ip)
  assert.deepEqual(
    [...node.state.sandboxes.values()].map(({ attempt }) => attempt),
    [1],
  )
})

test('a deleted pod is stopped, reported and gone', async (context) => {
  const { start, client, clock, isThere, node, said } = await bench(context)
  await start('web')
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'web' })
  await clock.settle()
  assert.equal(await isThere('web'), false)
  assert.equal(node.state.containers.size, 0)
  assert.equal(node.state.sandboxes.size, 0)
  assert.ok(said.includes('Killing: Stopping container main'))
  assert.deepEqual(node.workers.list(), [])
})

test('what ignores TERM is killed after its grace period, or earlier when that is shortened', async (context) => {
  const { start, client, clock, isThere } = await bench(context, () => ({ ignoresTerm: true }))
  await start('stubborn', { terminationGracePeriodSeconds: 60 })
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'stubborn' })
  await clock.advance(59_000)
  assert.equal(await isThere('stubborn'), true)
  await clock.advance(2_000)
  assert.equal(await isThere('stubborn'), false)

  await start('urgent', { terminationGracePeriodSeconds: 3600 })
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'urgent' })
  await clock.advance(5_000)
  assert.equal(await isThere('urgent'), true)
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'urgent' }, { gracePeriodSeconds: 1 })
  await clock.advance(3_000)
  assert.equal(await isThere('urgent'), false)
})

test('a pod deleted by force leaves nothing behind', async (context) => {
  const { start, client, clock, node } = await bench(context, () => ({ ignoresTerm: true }))
  await start('web')
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 })
  await clock.advance(3_000)
  assert.equal(node.state.containers.size, 0)
  assert.equal(node.state.sandboxes.size, 0)
})

test('what was deleted while the kubelet was away is removed when it is back', async (context) => {
  const subject = await bench(context)
  await subject.start('web')
  await subject.node.stop()
  await subject.client.delete('v1', 'Pod', { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 })
  await subject.restart()
  assert.equal(subject.node.state.containers.size, 0)
  assert.equal(subject.node.state.sandboxes.size, 0)
})

test('preStop runs before the end, and its time counts', async (context) => {
  const commands: string[] = []
  const { start, client, clock, isThere } = await bench(context, () => ({
    exec: (command) => {
      commands.push(command.join(' '))
      return { exitCode: 0 }
    },
  }))
  await start('polite', { main: { lifecycle: { preStop: { exec: { command: ['say', 'goodbye'] } } } } })
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'polite' })
  await clock.settle()
  assert.deepEqual(commands, ['say goodbye'])
  assert.equal(await isThere('polite'), false)

  await start('sleepy', { terminationGracePeriodSeconds: 10, main: { lifecycle: { preStop: { sleep: { seconds: 5 } } } } })
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'sleepy' })
  await clock.advance(4_900)
  assert.equal(await isThere('sleepy'), true)
  await clock.advance(200)
  assert.equal(await isThere('sleepy'), false)
})

test('init containers run in order, one after the other, and hold back the app', async (context) => {
  const order: string[] = []
  const { start, phase, clock, get, conditions } = await bench(context, ({ name }) => {
    order.push(name)
    return name === 'main' ? {} : { runsFor: 1000 }
  })
  await start('web', {
    initContainers: [
      { name: 'one', image: 'i' },
      { name: 'two', image: 'i' },
    ],
  })
  assert.deepEqual(order, ['one'])
  assert.equal(await phase('web'), 'Pending')
  assert.equal((await conditions('web'))['Initialized'], 'False')
  assert.equal((await get('web')).status.containerStatuses?.[0]?.state.waiting?.reason, 'PodInitializing')
  await clock.advance(1_000)
  assert.deepEqual(order, ['one', 'two'])
  await clock.advance(1_000)
  assert.deepEqual(order, ['one', 'two', 'main'])
  assert.equal(await phase('web'), 'Running')
  assert.equal((await conditions('web'))['Initialized'], 'True')
  const [one] = (await get('web')).status.initContainerStatuses ?? []
  assert.equal(one?.ready, true)
  assert.equal(one.state.terminated?.reason, 'Completed')
})

test('a failing init container fails a pod that is never restarted, and is retried in others', async (context) => {
  const { start, phase, get, clock } = await bench(context, ({ name, attempt }) =>
    name === 'prepare' ? { runsFor: 0, exitCode: attempt < 2 ? 1 : 0 } : {},
  )
  const initContainers = [{ name: 'prepare', image: 'i' }]
  await start('once', { restartPolicy: 'Never', initContainers })
  await clock.advance(1)
  assert.equal(await phase('once'), 'Failed')
  await start('again', { initContainers })
  await clock.advance(1)
  assert.equal((await get('again')).status.initContainerStatuses?.[0]?.state.waiting?.reason, 'CrashLoopBackOff')
  await clock.advance(11_000)
  assert.equal(await phase('again'), 'Running')
})

test('sidecars start before the app, outlive it, and do not keep a finished pod', async (context) => {
  const { start, phase, get, clock, node } = await bench(context, ({ name }) => (name === 'main' ? { runsFor: 5000 } : {}))
  await start('job', { restartPolicy: 'Never', initContainers: [{ name: 'proxy', image: 'p', restartPolicy: 'Always' }] })
  assert.equal(await phase('job'), 'Running')
  const [proxy] = (await get('job')).status.initContainerStatuses ?? []
  assert.ok(proxy?.ready && proxy.started)
  await clock.advance(5_000)
  assert.equal(await phase('job'), 'Succeeded')
  assert.ok([...node.state.containers.values()].every(({ status }) => status.state === 'exited'))
})

test('restart policies: Never ends as Failed or Succeeded, OnFailure retries only failures', async (context) => {
  const { start, phase, clock, main, conditions } = await bench(context, ({ image, attempt }) => ({
    runsFor: 100,
    exitCode: image === 'bad' && attempt === 0 ? 1 : 0,
  }))
  await start('good', { restartPolicy: 'Never' })
  await start('bad', { restartPolicy: 'Never', main: { image: 'bad' } })
  await start('retried', { restartPolicy: 'OnFailure', main: { image: 'bad' } })
  await clock.advance(300)
  assert.equal(await phase('good'), 'Succeeded')
  assert.equal(await phase('bad'), 'Failed')
  assert.equal(await phase('retried'), 'Succeeded')
  assert.equal((await main('retried')).restartCount, 1)
  assert.equal((await conditions('good'))['Ready'], 'False')
})

test('a finished pod is left alone by the next kubelet', async (context) => {
  const subject = await bench(context, () => ({ runsFor: 100 }))
  await subject.start('job', { restartPolicy: 'OnFailure' })
  await subject.clock.advance(200)
  assert.equal(await subject.phase('job'), 'Succeeded')
  await subject.restart()
  await subject.clock.advance(200_000)
  assert.equal(await subject.phase('job'), 'Succeeded')
  assert.equal(subject.node.state.containers.size, 1)
})

test('a command that is not there crash-loops and says why', async (context) => {
  const { start, main, clock } = await bench(context, () => ({ startError: 'exec: "nope": executable file not found in $PATH' }))
  await start('broken')
  await clock.advance(1_000)
  const status = await main('broken')
  assert.equal(status.state.waiting?.reason, 'CrashLoopBackOff')
  assert.equal(status.lastState.terminated?.reason, 'StartError')
  assert.equal(status.lastState.terminated.exitCode, 128)
  assert.match(status.lastState.terminated.message ?? '', /executable file not found/)
})

test('an image that does not come: ErrImagePull, back-off, and a start as soon as it is there', async (context) => {
  let there = false
  const pull = () => (there ? 0 : new RuntimeError('ErrImagePull', 'manifest unknown'))
  const { start, main, clock, phase, said } = await bench(context, () => ({}), { runtime: { pull } })
  await start('web')
  assert.equal((await main('web')).state.waiting?.reason, 'ErrImagePull')
  await clock.advance(3_000)
  const held = await main('web')
  assert.equal(held.state.waiting?.reason, 'ImagePullBackOff')
  assert.match(held.state.waiting.message ?? '', /Back-off pulling image "app:1": ErrImagePull: manifest unknown/)
  assert.equal(await phase('web'), 'Pending')
  there = true
  await clock.advance(10_000)
  assert.equal(await phase('web'), 'Running')
  assert.ok(said.some((line) => line.startsWith('Pulled: Successfully pulled image "app:1"')))
})

test('Never uses what is there and waits for what is not', async (context) => {
  const { start, main } = await bench(context)
  await start('web', { main: { imagePullPolicy: 'Never' } })
  assert.equal((await main('web')).state.waiting?.reason, 'ErrImageNeverPull')
  await start('odd', { main: { image: 'NOT a name' } })
  assert.equal((await main('odd')).state.waiting?.reason, 'InvalidImageName')
})

test('a missing config map is told, and the pod starts when it appears', async (context) => {
  const { start, main, client, clock, node } = await bench(context)
  await start('web', { main: { env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'paint', key: 'colour' } } }] } })
  const status = await main('web')
  assert.equal(status.state.waiting?.reason, 'CreateContainerConfigError')
  assert.equal(status.state.waiting.message, 'configmap "paint" not found')
  await client.create('v1', 'ConfigMap', { metadata: { name: 'paint' }, data: { colour: 'green' } }, { namespace: 'default' })
  await clock.advance(6_000)
  assert.ok((await main('web')).state.running)
  const [container] = node.state.containers.values()
  assert.ok(container?.config.env.some(({ name, value }) => name === 'COLOUR' && value === 'green'))
})

test('a volume that cannot be had delays the pod and is retried', async (context) => {
  let tries = 0
  const { start, phase, clock, said } = await bench(context, () => ({}), {
    volumes: {
      prepare: async () => {
        if (tries++ < 3) throw new VolumeError('MountVolume.SetUp failed for volume "data" : not yet')
        return new Map()
      },
      refresh: async () => {},
      teardown: async () => {},
    },
  })
  await start('web')
  assert.equal(await phase('web'), 'Pending')
  await clock.advance(10_000)
  assert.equal(await phase('web'), 'Running')
  assert.equal(said.filter((line) => line.startsWith('FailedMount:')).length, 3)
})

test('a liveness probe that fails restarts the container; a readiness probe takes it out', async (context) => {
  let healthy = true
  let ready = false
  const { start, main, clock, conditions, said } = await bench(context, () => ({
    exec: ([what]) => ({ exitCode: (what === 'live' ? healthy : ready) ? 0 : 1 }),
  }))
  const probe = (what: string) => ({ exec: { command: [what] }, periodSeconds: 1, failureThreshold: 1 })
  await start('web', { terminationGracePeriodSeconds: 1, main: { livenessProbe: probe('live'), readinessProbe: probe('ready') } })
  await clock.advance(3_000)
  assert.equal((await conditions('web'))['Ready'], 'False')
  ready = true
  await clock.advance(3_000)
  assert.equal((await conditions('web'))['Ready'], 'True')
  healthy = false
  await clock.advance(2_500)
  healthy = true
  await clock.advance(12_000)
  const status = await main('web')
  assert.ok(status.restartCount >= 1)
  assert.ok(said.includes('Killing: Container main failed liveness probe, will be restarted'))
})

test('activeDeadlineSeconds ends a pod', async (context) => {
  const { start, get, clock } = await bench(context)
  await start('short', { activeDeadlineSeconds: 30 })
  await clock.advance(31_000)
  const { status } = await get('short')
  assert.equal(status.phase, 'Failed')
  assert.equal(status.reason, 'DeadlineExceeded')
})

test('a pod that does not fit is refused with the reason', async (context) => {
  const { start, get, client, clock } = await bench(context)
  const status = { capacity: { cpu: '1', memory: '1Gi', pods: '110' }, allocatable: { cpu: '1', memory: '1Gi', pods: '110' } }
  await client.patch('v1', 'Node', { name: 'n1' }, { type: 'merge', body: { status }, subresource: 'status' })
  await clock.settle()
  const asks = (cpu: string) => ({ main: { resources: { requests: { cpu } } } })
  await start('first', asks('700m'))
  await start('second', asks('700m'))
  const refused = (await get('second')).status
  assert.equal(refused.phase, 'Failed')
  assert.equal(refused.reason, 'OutOfcpu')
  assert.equal(refused.message, "Pod was rejected: Node didn't have enough resource: cpu, requested: 700, used: 700, capacity: 1000")
  await start('elsewhere', { nodeSelector: { disk: 'ssd' } })
  assert.equal((await get('elsewhere')).status.reason, 'NodeAffinity')
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'first' })
  await clock.settle()
  await start('third', asks('700m'))
  assert.equal((await get('third')).status.phase, 'Running')
})

test('while the API server is away pods are looked after, and it hears everything afterwards', async (context) => {
  const { start, cluster, clock, node, main } = await bench(context)
  await start('web')
  const id = (await main('web')).containerID?.replace('simulated://', '') ?? ''
  cluster.cut(true)
  node.runtime.crash(id, 1)
  await clock.settle()
  assert.equal([...node.state.containers.values()].filter(({ status }) => status.state === 'running').length, 1)
  cluster.cut(false)
  await clock.advance(30_000)
  assert.equal((await main('web')).restartCount, 1)
})

test('a changed image restarts that container', async (context) => {
  const { start, client, clock, main } = await bench(context)
  await start('web')
  const body = { spec: { containers: [{ name: 'main', image: 'app:2' }] } }
  await client.patch('v1', 'Pod', { namespace: 'default', name: 'web' }, { type: 'strategic', body })
  await clock.settle()
  const status = await main('web')
  assert.equal(status.image, 'app:2')
  assert.equal(status.restartCount, 1)
})
