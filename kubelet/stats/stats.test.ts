import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { madePod } from '../../test/harness/admission-trial.ts'
import { createSimulatedRuntime, type SimulatedRuntime } from '../runtime/simulated-runtime.ts'
import type { VolumeUsage } from '../volumes/volume-usage.ts'
import { resourceMetrics } from './resource-metrics.ts'
import { StorageMeter } from './storage-meter.ts'
import { summaryOf } from './summary.ts'
import { UsageMeter } from './usage-meter.ts'
import { VolumeMeter } from './volume-meter.ts'
import { volumeMetrics } from './volume-metrics.ts'

const { signal } = new AbortController()
const pod = { metadata: { name: 'web', namespace: 'default', uid: 'u1' }, spec: {}, status: {} } as Pod
const START = Date.parse('2026-01-01T00:00:00Z')

async function started(clock: ReturnType<typeof manualClock>): Promise<SimulatedRuntime> {
  const runtime = createSimulatedRuntime({ clock })
  const { namespace = '', name = '', uid = '' } = pod.metadata
  const sandbox = await runtime.runSandbox(
    {
      ...{ pod: { namespace, name, uid }, attempt: 0, hostname: 'web', hostNetwork: false, hostPID: false, hostIPC: false },
      ...{ dns: { servers: [], searches: [], options: [] }, hostPorts: [], sysctls: {}, cgroupParent: '', cpuShares: 2, labels: {} },
    },
    signal,
  )
  for (const container of ['b', 'a']) {
    const id = await runtime.createContainer(
      sandbox.id,
      {
        ...{
          name: container,
          attempt: 0,
          image: 'busybox',
          env: [],
          mounts: [],
          devices: [],
          tty: false,
          stdin: false,
          stdinOnce: false,
          hostIPC: false,
        },
        ...{ resources: { oomScoreAdjust: 0 }, labels: {} },
        security: {
          ...{ groups: [], privileged: false, readOnlyRootFilesystem: false, noNewPrivileges: false, addCapabilities: [] },
          ...{ dropCapabilities: [], seccomp: 'default' as const },
        },
      },
      signal,
    )
    await runtime.startContainer(id, signal)
  }
  return runtime
}

async function metered() {
  const clock = manualClock(START)
  const runtime = await started(clock)
  let looks = 0
  const machine = async () => {
    looks++
    return { cpuNanoseconds: BigInt(clock.now() - START) * 500_000n, memoryBytes: 9_000, workingSetBytes: 8_000 }
  }
  const meter = new UsageMeter({ runtime, pods: () => [pod], machine, clock })
  return { clock, runtime, meter, looks: () => looks }
}

test('a node is looked at when somebody asks, once for all who ask at the same time', async () => {
  const { clock, meter, looks } = await metered()
  await clock.advance(600_000)
  assert.equal(looks(), 0)
  await Promise.all([meter.measure(signal), meter.measure(signal), meter.measure(signal)])
  assert.equal(looks(), 1)
  await clock.advance(999)
  await meter.measure(signal)
  assert.equal(looks(), 1, 'that was a moment ago')
  await clock.advance(1)
  await meter.measure(signal)
  assert.equal(looks(), 2)
})

test('whoever asks for rates first waits for a second look; whoever asks later does not', async () => {
  const { clock, meter, looks } = await metered()
  await clock.advance(1_000)
  const first = meter.measureRates(signal)
  await clock.advance(1_500)
  const { rates, usage } = await first
  assert.equal(looks(), 2)
  assert.equal(rates.get(''), 500_000_000, 'half a core')
  assert.deepEqual(
    [...rates].slice(1).map(([, rate]) => rate),
    [1e9, 1e9],
    'a core each, as simulated containers use it',
  )
  assert.deepEqual(
    usage.pods[0]?.containers.map(({ name }) => name),
    ['a', 'b'],
  )
  await clock.advance(15_000)
  assert.equal((await meter.measureRates(signal)).rates.get(''), 500_000_000)
})

test('the resource metrics are upstream’s names with the times they were measured at', async () => {
  const { clock, meter, runtime } = await metered()
  await clock.advance(2_000)
  const text = resourceMetrics(await meter.measure(signal))
  const at = START + 2_000
  for (const line of [
    `node_cpu_usage_seconds_total 1 ${at}`,
    `node_memory_working_set_bytes 8000 ${at}`,
    `container_cpu_usage_seconds_total{container="a",namespace="default",pod="web"} 2 ${at}`,
    `container_memory_working_set_bytes{container="b",namespace="default",pod="web"} 1048576 ${at}`,
    `container_start_time_seconds{container="a",namespace="default",pod="web"} ${START / 1000} ${at}`,
    `pod_cpu_usage_seconds_total{namespace="default",pod="web"} 4 ${at}`,
    `pod_memory_working_set_bytes{namespace="default",pod="web"} 2097152 ${at}`,
    'scrape_error 0',
  ])
    assert.ok(text.includes(`\n${line}\n`), `${line} is not in\n${text}`)
  for (const { id } of await runtime.listContainers({}, signal)) runtime.crash(id, 1)
  await clock.advance(1_000)
  const after = resourceMetrics(await meter.measure(signal))
  assert.ok(!after.includes('pod="web"'), 'what does not run uses nothing')
})

test('one container that cannot be measured is an error in the answer, not no answer', async () => {
  const { clock, runtime } = await metered()
  const failing = { ...runtime, stats: () => Promise.reject(new Error('permission denied')) }
  const machine = async () => ({ cpuNanoseconds: 0n, memoryBytes: 0, workingSetBytes: 0 })
  const text = resourceMetrics(await new UsageMeter({ runtime: failing, pods: () => [pod], machine, clock }).measure(signal))
  assert.ok(text.includes('\nscrape_error 1\n'))
})

test('an engine that does not answer is given up, and asked again by the next who wants to know', async () => {
  const { clock, runtime } = await metered()
  const hanging = {
    ...runtime,
    listContainers: (_: object, until: AbortSignal) =>
      new Promise<never>((_, reject) => until.addEventListener('abort', () => reject(until.reason), { once: true })),
  }
  const machine = async () => ({ cpuNanoseconds: 0n, memoryBytes: 0, workingSetBytes: 0 })
  const meter = new UsageMeter({ runtime: hanging, pods: () => [], machine, clock })
  for (let attempt = 0; attempt < 2; attempt++) {
    const asked = assert.rejects(meter.measure(signal), /no answer within 10 s/)
    await clock.advance(10_000)
    await asked
  }
})

test('the summary has the shape that readers of upstream’s know', async () => {
  const { clock, meter } = await metered()
  const asked = meter.measureRates(signal)
  await clock.advance(1_500)
  const { usage, rates } = await asked
  const headroom = { memoryBytes: 100, storageBytes: 40, storageTotal: 100, inodes: 5, inodesTotal: 9, processes: 1 }
  const eth0 = { name: 'eth0', rxBytes: 1, rxErrors: 0, txBytes: 2, txErrors: 0 }
  const use = { volumes: new Map([['scratch', 7]]), containers: new Map([['a', 3]]) }
  const summary = JSON.parse(
    JSON.stringify(
      summaryOf(usage, rates, {
        ...{ nodeName: 'n', nodeStart: START, headroom, nodeInterfaces: [eth0], interfaces: new Map([['u1', [eth0]]]) },
        storage: new Map([['u1', { at: START, use }]]),
      }),
    ),
  )
  assert.deepEqual(Object.keys(summary.node), ['nodeName', 'startTime', 'cpu', 'memory', 'network', 'fs'])
  assert.equal(summary.node.cpu.usageNanoCores, 500_000_000)
  assert.deepEqual([summary.node.memory.availableBytes, summary.node.fs.usedBytes, summary.node.fs.inodesFree], [100, 60, 5])
  const [one] = summary.pods
  assert.deepEqual(one.podRef, { name: 'web', namespace: 'default', uid: 'u1' })
  assert.equal(one.cpu.usageNanoCores, 2e9)
  assert.deepEqual([one.network.name, one.network.interfaces.length], ['eth0', 1])
  assert.deepEqual([one.volume[0].name, one.volume[0].usedBytes, one['ephemeral-storage'].usedBytes], ['scratch', 7, 10])
  assert.equal(one.containers[0].rootfs.usedBytes, 3)
  const lean = JSON.parse(JSON.stringify(summaryOf(usage, rates, { nodeName: 'n', nodeStart: START, headroom })))
  assert.deepEqual([lean.node.network, lean.pods[0].volume, lean.pods[0].network], [undefined, undefined, undefined])
})

test('disks are counted once a minute, a pod that cannot be counted is left out, and who is gone is forgotten', async () => {
  const clock = manualClock(START)
  const other = { ...pod, metadata: { ...pod.metadata, uid: 'u2' } }
  const counted: string[] = []
  const meter = new StorageMeter({
    clock,
    async measure({ metadata }) {
      counted.push(metadata.uid ?? '')
      if (metadata.uid === 'u2') throw new Error('being torn down')
      return { volumes: new Map(), containers: new Map() }
    },
  })
  assert.deepEqual([...(await meter.measure([pod, other], signal)).keys()], ['u1'])
  await clock.advance(59_999)
  await meter.measure([pod], signal)
  assert.deepEqual(counted, ['u1', 'u2'])
  await clock.advance(1)
  await meter.measure([pod], signal)
  assert.deepEqual(counted, ['u1', 'u2', 'u1'])
  assert.deepEqual([...(await meter.measure([], signal)).keys()], [])
})

const claimed = madePod(
  {
    volumes: [
      { name: 'data', persistentVolumeClaim: { claimName: 'disk' } },
      { name: 'own', ephemeral: {} },
    ],
  },
  pod.metadata,
)

test('volumes are in the summary with their claims, and in the metrics once a claim', async () => {
  const { clock, meter } = await metered()
  const asked = meter.measureRates(signal)
  await clock.advance(1_500)
  const { usage, rates } = await asked
  const holds = (usedBytes: number) => ({ capacityBytes: 100, availableBytes: 100 - usedBytes, usedBytes })
  const volumes = new Map<string, VolumeUsage>([
    ['data', { ...holds(7), inodes: 5, inodesFree: 3, inodesUsed: 2 }],
    ['own', holds(1)],
    ['token', holds(2)],
  ])
  const measured = new Map([
    ['u1', { pod: claimed, at: START, volumes }],
    ['u2', { pod: { ...claimed, metadata: { ...claimed.metadata, uid: 'u2', name: 'other' } }, at: START, volumes }],
  ])
  const headroom = { memoryBytes: 100, storageBytes: 40, storageTotal: 100, inodes: 5, inodesTotal: 9, processes: 1 }
  const parts = { nodeName: 'n', nodeStart: START, headroom, volumes: measured }
  const storage = new Map([['u1', { at: START, use: { volumes: new Map(), containers: new Map() } }]])
  const ofPod = usage.pods.map((one) => ({ ...one, pod: claimed }))
  const summary = JSON.parse(JSON.stringify(summaryOf({ ...usage, pods: ofPod }, rates, { ...parts, storage })))
  assert.deepEqual(summary.pods[0].volume, [
    {
      ...{ time: '2026-01-01T00:00:00Z', capacityBytes: 100, availableBytes: 93, usedBytes: 7, inodes: 5, inodesFree: 3, inodesUsed: 2 },
      ...{ name: 'data', pvcRef: { name: 'disk', namespace: 'default' } },
    },
    { time: '2026-01-01T00:00:00Z', ...holds(1), name: 'own', pvcRef: { name: 'web-own', namespace: 'default' } },
    { time: '2026-01-01T00:00:00Z', ...holds(2), name: 'token' },
  ])
  const lines = volumeMetrics(measured)
    .split('\n')
    .filter((line) => !line.startsWith('#') && line.includes('persistentvolumeclaim="disk"'))
  assert.deepEqual(
    lines,
    Object.entries({ capacity_bytes: 100, available_bytes: 93, used_bytes: 7, inodes: 5, inodes_free: 3, inodes_used: 2 }).map(
      ([name, value]) => `kubelet_volume_stats_${name}{namespace="default",persistentvolumeclaim="disk"} ${value}`,
    ),
  )
})

test('volumes are asked once a minute, all pods at once, and again when whoever asked had gone', async () => {
  const clock = manualClock(START)
  let asked = 0
  let answer = Promise.withResolvers<ReadonlyMap<string, object>>()
  const meter = new VolumeMeter({
    clock,
    measure: () => {
      asked += 1
      return answer.promise
    },
  })
  const gone = meter.measure([pod], signal)
  answer.reject(new Error('the reader has gone'))
  assert.equal((await gone).size, 0)
  answer = Promise.withResolvers()
  const both = Promise.all([meter.measure([pod], signal), meter.measure([pod], signal)])
  answer.resolve(new Map([['data', {}]]))
  assert.deepEqual([...((await both)[1].get('u1')?.volumes.keys() ?? [])], ['data'])
  assert.equal(asked, 2)
  await clock.advance(60_000)
  await meter.measure([pod], signal)
  assert.equal(asked, 3)
})
