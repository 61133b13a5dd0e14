import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { podBench } from '../../test/harness/pod-bench.ts'

const sized = (cpu: string, memory = '64Mi') => ({ requests: { cpu, memory: '1Mi' }, limits: { cpu: '4', memory } })

async function bench(context: TestContext, more: object = {}) {
  const made = await podBench(context)
  const { client, clock, get, node } = made
  const settle = async () => {
    await clock.settle()
    await clock.advance(1)
  }
  /** Leaves so much of the node's CPU. */
  const allocatable = async (cpu: string) => {
    const amounts = { cpu, memory: '8Gi', pods: '110' }
    await client.patch('v1', 'Node', { name: 'n1' }, { type: 'merge', body: { status: { allocatable: amounts } }, subresource: 'status' })
    await clock.settle()
  }
  await allocatable('4')
  return {
    ...made,
    allocatable,
    settle,
    run: (name: string, cpu: string, spec: object = {}) => made.start(name, { main: { resources: sized(cpu), ...more }, ...spec }),
    async resize(name: string, resources: object) {
      const body = { spec: { containers: [{ name: 'main', resources }] } }
      await client.patch('v1', 'Pod', { namespace: 'default', name }, { type: 'strategic', body, subresource: 'resize' })
      await settle()
    },
    async condition(name: string, type: string) {
      const found = (await get(name)).status.conditions?.find((one) => one.type === type)
      return found && [found.reason ?? '', found.message ?? '']
    },
    /** What the runtime was told, of the newest instance. */
    limits: () => [...node.state.containers.values()].at(-1)?.status.resources,
  }
}

test('a running container gets what is asked for now, without a restart, and the status says so', async (context) => {
  const { run, resize, main, limits, get, condition, said } = await bench(context)
  await run('web', '100m')
  const [before] = (await get('web')).spec.containers
  await resize('web', sized('500m', '128Mi'))
  const status = await main('web')
  assert.equal(status.restartCount, 0)
  assert.deepEqual(limits()?.memoryLimitBytes, 128 * 2 ** 20)
  assert.deepEqual(limits()?.cpuShares, 512)
  assert.deepEqual(status.allocatedResources, { cpu: '500m', memory: '1Mi' })
  assert.deepEqual(status.resources, sized('500m', '128Mi'))
  assert.notDeepEqual(before?.resources, status.resources)
  const pod = await get('web')
  assert.equal(pod.metadata.generation, 2)
  assert.equal(pod.status.observedGeneration, 2)
  assert.deepEqual([await condition('web', 'PodResizePending'), await condition('web', 'PodResizeInProgress')], [undefined, undefined])
  const told = said.filter((line) => line.startsWith('Resize')).map((line) => line.split(':')[0])
  assert.deepEqual(told, ['ResizeStarted', 'ResizeCompleted'])
})

test('a container that wants a restart gets one, also where nothing else would start it again', async (context) => {
  const policy = { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] }
  const { run, resize, main, limits, said, phase } = await bench(context, policy)
  await run('web', '100m', { restartPolicy: 'OnFailure' })
  await resize('web', sized('200m'))
  assert.equal((await main('web')).restartCount, 0)
  await resize('web', sized('200m', '128Mi'))
  assert.equal(await phase('web'), 'Running')
  assert.equal((await main('web')).restartCount, 1)
  assert.equal(limits()?.memoryLimitBytes, 128 * 2 ** 20)
  assert.ok(said.includes('Killing: Container main resize requires restart'))
})

test('what the node has no room for now waits, and is granted as soon as another pod gives something back', async (context) => {
  const { run, resize, main, condition, allocatable, client, settle, limits } = await bench(context)
  await allocatable('1')
  await run('other', '600m')
  await run('web', '100m')
  await resize('web', sized('800m'))
  const message = "Node didn't have enough resource: cpu, requested: 800, used: 600, capacity: 1000"
  assert.deepEqual(await condition('web', 'PodResizePending'), ['Deferred', message])
  assert.deepEqual((await main('web')).allocatedResources, { cpu: '100m', memory: '1Mi' })
  assert.equal(limits()?.cpuShares, 102)
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'other' })
  await settle()
  await settle()
  assert.equal(await condition('web', 'PodResizePending'), undefined)
  assert.deepEqual((await main('web')).allocatedResources, { cpu: '800m', memory: '1Mi' })
  assert.equal(limits()?.cpuShares, 819)
})

test('what the node can never give is infeasible until the wish is taken back', async (context) => {
  const { run, resize, condition, allocatable, main } = await bench(context)
  await allocatable('1')
  await run('web', '100m')
  await resize('web', sized('3'))
  const message = "Node didn't have enough capacity: cpu, requested: 3000, capacity: 1000"
  assert.deepEqual(await condition('web', 'PodResizePending'), ['Infeasible', message])
  await resize('web', sized('100m'))
  assert.equal(await condition('web', 'PodResizePending'), undefined)
  assert.equal((await main('web')).restartCount, 0)
})

test('a memory limit below what is used is not applied, says so, and is tried again', async (context) => {
  const { run, resize, condition, limits, main, said, clock } = await bench(context)
  await run('web', '100m')
  const small = { requests: { cpu: '100m', memory: '1k' }, limits: { cpu: '4', memory: '500k' } }
  await resize('web', small)
  // The simulated container uses 1 MiB.
  const message = 'cannot decrease memory limits: attempting to set container "main" memory limit (500000) below current usage (1048576)'
  assert.deepEqual(await condition('web', 'PodResizeInProgress'), ['Error', message])
  assert.equal(limits()?.memoryLimitBytes, 64 * 2 ** 20)
  assert.equal((await main('web')).resources?.limits?.['memory'], '64Mi')
  await clock.advance(25_000)
  assert.equal(said.filter((line) => line.startsWith('ResizeError')).length, 1)
  await resize('web', sized('100m', '32Mi'))
  assert.equal(await condition('web', 'PodResizeInProgress'), undefined)
  assert.equal(limits()?.memoryLimitBytes, 32 * 2 ** 20)
})

test('a kubelet that comes back knows what was granted, and finishes what was begun', async (context) => {
  const { run, resize, main, condition, allocatable, client, restart, settle, node } = await bench(context)
  await allocatable('1')
  await run('other', '600m')
  await run('web', '100m')
  await resize('web', sized('800m'))
  await restart()
  assert.equal((await condition('web', 'PodResizePending'))?.[0], 'Deferred')
  assert.deepEqual((await main('web')).allocatedResources, { cpu: '100m', memory: '1Mi' })
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'other' })
  await settle()
  await settle()
  const limits = [...node.state.containers.values()]
    .filter(({ status }) => status.state === 'running')
    .map(({ status }) => status.resources?.cpuShares)
  assert.deepEqual(limits, [819])
  assert.equal((await main('web')).restartCount, 0)
})
