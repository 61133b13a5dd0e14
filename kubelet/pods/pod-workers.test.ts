import assert from 'node:assert/strict'
import { test } from 'node:test'
import { podBench } from '../../test/harness/pod-bench.ts'

test('a pod starts, is ready, and has its addresses', async (context) => {
  const { start, get, conditions } = await podBench(context)
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
  const { start, get, main, clock, node, said } = await podBench(context)
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
  const { start, clock, node, main } = await podBench(context)
  await start('web')
  for (let i = 0; i < 4; i++) {
    node.runtime.crash((await main('web')).containerID?.replace('simulated://', '') ?? '', 1)
    await clock.advance(301_000)
  }
  assert.equal((await main('web')).restartCount, 4)
  assert.equal(node.state.containers.size, 2)
})

test('a restarted kubelet adopts what runs and touches nothing', async (context) => {
  const subject = await podBench(context)
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
  const subject = await podBench(context)
  await subject.start('web')
  const id = (await subject.main('web')).containerID?.replace('simulated://', '') ?? ''
  const crash = subject.node.runtime.crash
  const restarting = subject.restart()
  crash(id, 9)
  await restarting
  assert.equal((await subject.main('web')).restartCount, 1)
})

test('after a power cut every pod comes back in a new sandbox', async (context) => {
  const { start, node, clock, main, get } = await podBench(context)
  await start('web')
  const ip = (await get('web')).status.podIP
  node.runtime.powerCut()
  await clock.advance(10_000)
  const status = await main('web')
  assert.ok(status.state.running)
  assert.equal(status.restartCount, 1)
  assert.notEqual((await get('web')).status.podIP, ip)
  const sandboxes = () => [...node.state.sandboxes.values()].map(({ attempt, state }) => ({ attempt, state }))
  // The former one holds what ended, which `kubectl logs --previous` may ask for.
  assert.deepEqual(sandboxes(), [
    { attempt: 0, state: 'notReady' },
    { attempt: 1, state: 'ready' },
  ])
  for (let crashes = 0; crashes < 2; crashes++) {
    node.runtime.crash((await main('web')).containerID?.replace('simulated://', '') ?? '', 9)
    await clock.advance(60_000)
  }
  assert.equal((await main('web')).restartCount, 3)
  assert.deepEqual(sandboxes(), [{ attempt: 1, state: 'ready' }])
})

test('a changed image does not wait for the crashes of the old one', async (context) => {
  const { start, client, clock, main, node } = await podBench(context)
  await start('web')
  const crash = async () => {
    node.runtime.crash((await main('web')).containerID?.replace('simulated://', '') ?? '', 3)
    await clock.settle()
  }
  await crash()
  await crash()
  assert.equal((await main('web')).state.waiting?.reason, 'CrashLoopBackOff')
  const body = { spec: { containers: [{ name: 'main', image: 'app:2' }] } }
  await client.patch('v1', 'Pod', { namespace: 'default', name: 'web' }, { type: 'strategic', body })
  await clock.settle()
  const { image, restartCount, state } = await main('web')
  assert.deepEqual([image, restartCount], ['app:2', 2])
  assert.ok(state.running)
})

test('a deleted pod is stopped, reported and gone', async (context) => {
  const { start, client, clock, isThere, node, said } = await podBench(context)
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
  const { start, client, clock, isThere } = await podBench(context, () => ({ ignoresTerm: true }))
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
  const { start, client, clock, node } = await podBench(context, () => ({ ignoresTerm: true }))
  await start('web')
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 })
  await clock.advance(3_000)
  assert.equal(node.state.containers.size, 0)
  assert.equal(node.state.sandboxes.size, 0)
})

test('what was deleted while the kubelet was away is removed when it is back', async (context) => {
  const subject = await podBench(context)
  await subject.start('web')
  await subject.node.stop()
  await subject.client.delete('v1', 'Pod', { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 })
  await subject.restart()
  assert.equal(subject.node.state.containers.size, 0)
  assert.equal(subject.node.state.sandboxes.size, 0)
})

test('preStop runs before the end, and its time counts', async (context) => {
  const commands: string[] = []
  const { start, client, clock, isThere } = await podBench(context, () => ({
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

test('a finished pod is left alone by the next kubelet', async (context) => {
  const subject = await podBench(context, () => ({ runsFor: 100 }))
  await subject.start('job', { restartPolicy: 'OnFailure' })
  await subject.clock.advance(200)
  assert.equal(await subject.phase('job'), 'Succeeded')
  await subject.restart()
  await subject.clock.advance(200_000)
  assert.equal(await subject.phase('job'), 'Succeeded')
  assert.equal(subject.node.state.containers.size, 1)
})

test('while the API server is away pods are looked after, and it hears everything afterwards', async (context) => {
  const { start, cluster, clock, node, main } = await podBench(context)
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

test('a container that is stopped for a changed image starts anew, also when it then ends well under OnFailure', async (context) => {
  const { start, client, clock, main, phase } = await podBench(context, () => ({ exitCode: 0 }))
  await start('web', { restartPolicy: 'OnFailure' })
  const body = { spec: { containers: [{ name: 'main', image: 'app:2' }] } }
  await client.patch('v1', 'Pod', { namespace: 'default', name: 'web' }, { type: 'strategic', body })
  await clock.advance(60_000)
  const { image, restartCount, state } = await main('web')
  assert.deepEqual([image, restartCount, await phase('web')], ['app:2', 1, 'Running'])
  assert.ok(state.running)
})
