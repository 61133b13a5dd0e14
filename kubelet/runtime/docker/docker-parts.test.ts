import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { parseCgroupPaths } from '../cgroup-usage.ts'
import type { ContainerConfig } from '../container-runtime.ts'
import { type HostLimits, parseHostLimits } from '../host-limits.ts'
import { engineCgroupParent, limitPod, removePodCgroup, weighPod } from '../pod-cgroup.ts'
import { writeAll } from '../write-all.ts'
import { containerBody } from './docker-create.ts'
import { eventOf } from './docker-events.ts'
import { engineTime } from './docker-inspect.ts'
import { frames, jsonLines } from './docker-streams.ts'

const { signal } = new AbortController()

describe('the engine’s framing', () => {
  const frame = (stream: number, text: string) => {
    const header = Buffer.alloc(8)
    header[0] = stream
    header.writeUInt32BE(Buffer.byteLength(text), 4)
    return Buffer.concat([header, Buffer.from(text)])
  }
  const read = async (chunks: Buffer[]) => {
    const texts = { stdout: '', stderr: '' }
    for await (const { stream, data } of frames(Readable.from(chunks))) texts[stream] += data
    return texts
  }
  const whole = Buffer.concat([frame(1, 'hello '), frame(2, 'oh'), frame(1, ''), frame(1, 'world')])

  it('is understood however it is cut', async () => {
    for (let size = 1; size <= whole.length; size++) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.subarray(i * size, (i + 1) * size))
      assert.deepEqual(await read(chunks), { stdout: 'hello world', stderr: 'oh' }, `pieces of ${size}`)
    }
  })
  it('passes a long frame on before it is complete', async () => {
    const long = frame(1, 'x'.repeat(100))
    const pieces: number[] = []
    for await (const { data } of frames(Readable.from([long.subarray(0, 58), long.subarray(58)]))) pieces.push(data.length)
    assert.deepEqual(pieces, [50, 50])
  })
  it('has objects line by line elsewhere', async () => {
    const found: unknown[] = []
    for await (const value of jsonLines(Readable.from([Buffer.from('{"a":1}\n{"b"'), Buffer.from(':2}\n\n{"c":3}')]), signal))
      found.push(value)
    assert.deepEqual(found, [{ a: 1 }, { b: 2 }, { c: 3 }])
  })
})

describe('writing with patience', () => {
  it('waits while the receiver is full, and stops when it goes', async () => {
    let release = () => {}
    const slow = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void (release = done) })
    const first = writeAll(slow, Buffer.from('abc'), signal)
    assert.equal(await Promise.race([first, new Promise((resolve) => setImmediate(resolve, 'waiting'))]), 'waiting')
    release()
    assert.equal(await first, true)
    const second = writeAll(slow, Buffer.from('abc'), signal)
    slow.destroy()
    assert.equal(await second, false)
    assert.equal(await writeAll(slow, Buffer.from('abc'), signal), false)
  })
  it('gives up with its signal', async () => {
    const stop = new AbortController()
    const stuck = new PassThrough({ highWaterMark: 1 })
    const writing = writeAll(stuck, Buffer.from('abc'), stop.signal)
    stop.abort()
    assert.equal(await writing, false)
    assert.equal(stuck.listenerCount('drain'), 0)
  })
})

describe('what the machine permits', () => {
  it('is read from the bounding set', () => {
    const limited = parseHostLimits('Name:\tx\nCapBnd:\t000001fffeffffff\n', 40)
    assert.equal(limited.fullyPrivileged, false)
    assert.equal(limited.negativeOomScore, false)
    assert.ok(limited.capabilities.includes('SYS_ADMIN') && !limited.capabilities.includes('SYS_RESOURCE'))
    const full = parseHostLimits('CapBnd:\t000001ffffffffff\n', 40)
    assert.deepEqual([full.fullyPrivileged, full.negativeOomScore], [true, true])
    assert.equal(parseHostLimits('CapBnd:\t00000000a80425fb\n', 40).capabilities.length, 14, 'the default set of an engine')
  })
})

describe('the body that creates a container', () => {
  const plain: ContainerConfig = {
    name: 'a',
    attempt: 0,
    image: 'i',
    env: [{ name: 'A', value: 'b=c' }],
    mounts: [{ source: '/s', target: '/t', readOnly: true, propagation: 'rslave' }],
    devices: [],
    tty: false,
    stdin: false,
    stdinOnce: false,
    resources: { oomScoreAdjust: -997, memoryLimitBytes: 1000, cpuQuota: 5000, cpuShares: 2 },
    security: {
      groups: [7],
      privileged: false,
      readOnlyRootFilesystem: true,
      noNewPrivileges: true,
      addCapabilities: ['NET_ADMIN'],
      dropCapabilities: ['ALL'],
      seccomp: 'unconfined',
    },
    hostIPC: false,
    labels: {},
  }
  const few: HostLimits = { capabilities: ['CHOWN', 'SYS_ADMIN'], fullyPrivileged: false, negativeOomScore: false }
  const body = (config: ContainerConfig, limits = few) =>
    containerBody({ id: 's', cgroupParent: '/kubepods/podu' }, config, {}, 'cgroupfs', limits)

  it('joins the sandbox and says everything', () => {
    const { HostConfig: host, Env, Entrypoint, Cmd } = body(plain)
    assert.deepEqual([host?.NetworkMode, host?.IpcMode, host?.PidMode], ['container:s', 'container:s', undefined])
    assert.deepEqual(Env, ['A=b=c'])
    assert.deepEqual([Entrypoint, Cmd], [undefined, undefined], 'the image decides what nobody said')
    assert.deepEqual([host?.Memory, host?.MemorySwap, host?.CpuQuota, host?.CpuShares], [1000, 1000, 5000, 2])
    assert.deepEqual([host?.CapAdd, host?.CapDrop, host?.GroupAdd, host?.ReadonlyRootfs], [['NET_ADMIN'], ['ALL'], ['7'], true])
    assert.deepEqual(host?.SecurityOpt, ['no-new-privileges', 'seccomp=unconfined'])
    assert.equal(host?.Mounts?.[0]?.BindOptions?.Propagation, 'rslave')
  })
  it('gives block devices, for reading alone where the claim says so', () => {
    const devices = [
      { source: '/dev/loop0', target: '/dev/xvda', readOnly: false },
      { source: '/dev/loop1', target: '/dev/xvdb', readOnly: true },
    ]
    assert.deepEqual(body({ ...plain, devices }).HostConfig?.Devices, [
      { PathOnHost: '/dev/loop0', PathInContainer: '/dev/xvda', CgroupPermissions: 'mrw' },
      { PathOnHost: '/dev/loop1', PathInContainer: '/dev/xvdb', CgroupPermissions: 'r' },
    ])
  })
  it('asks for no more than the machine can give', () => {
    assert.equal(body(plain).HostConfig?.OomScoreAdj, 0)
    assert.equal(body(plain, { ...few, negativeOomScore: true }).HostConfig?.OomScoreAdj, -997)
    const privileged = { ...plain, security: { ...plain.security, privileged: true } }
    assert.deepEqual(body(privileged).HostConfig?.CapAdd, ['CHOWN', 'SYS_ADMIN'])
    assert.equal(body(privileged).HostConfig?.Privileged, undefined)
    assert.equal(body(privileged, { ...few, fullyPrivileged: true }).HostConfig?.Privileged, true)
    const all = { ...plain, security: { ...plain.security, addCapabilities: ['ALL'] } }
    assert.deepEqual(body(all).HostConfig?.CapAdd, ['CHOWN', 'SYS_ADMIN'])
  })
})

describe('control groups', () => {
  it('are spelled as the engine’s driver wants them', () => {
    assert.equal(engineCgroupParent('/kubepods/burstable/poda-b', 'cgroupfs'), '/kubepods/burstable/poda-b')
    assert.equal(engineCgroupParent('/kubepods/burstable/poda-b', 'systemd'), 'kubepods-burstable-poda_b.slice')
    assert.equal(engineCgroupParent('', 'systemd'), '')
  })
  it('of a pod are removed, those above stay while they are used', async (context) => {
    const root = mkdtempSync(join(tmpdir(), 'cgroup-'))
    context.after(() => rmSync(root, { recursive: true }))
    mkdirSync(join(root, 'memory', 'kubepods', 'podu'), { recursive: true })
    mkdirSync(join(root, 'cpu', 'kubepods', 'podu', 'busy'), { recursive: true })
    await removePodCgroup('/kubepods/podu', 'cgroupfs', root)
    assert.equal(existsSync(join(root, 'memory', 'kubepods', 'podu')), false)
    assert.equal(existsSync(join(root, 'memory', 'kubepods')), true)
    assert.equal(existsSync(join(root, 'cpu', 'kubepods', 'podu', 'busy')), true)
    await removePodCgroup('/kubepods/podu', 'cgroupfs', join(root, 'nowhere'))
  })
  for (const [version, file, equal, together] of [
    ['v1', 'cpu.shares', '512', '1536'],
    ['v2', 'cpu.weight', '20', '58'],
  ] as const) {
    it(`weigh what their pods asked for (${version})`, async (context) => {
      const root = mkdtempSync(join(tmpdir(), 'cgroup-'))
      context.after(() => rmSync(root, { recursive: true }))
      const tree = version === 'v1' ? join(root, 'cpu') : root
      for (const pod of ['burstable/pod1', 'burstable/pod2', 'besteffort/pod3']) mkdirSync(join(tree, 'kubepods', pod), { recursive: true })
      if (version === 'v2') writeFileSync(join(root, 'cgroup.controllers'), 'cpu')
      await weighPod('/kubepods/burstable/pod1', 'cgroupfs', 512, root)
      await weighPod('/kubepods/burstable/pod2', 'cgroupfs', 1024, root)
      await weighPod('/kubepods/besteffort/pod3', 'cgroupfs', 2, root)
      const read = (path: string) => readFileSync(join(tree, 'kubepods', path, file), 'utf8')
      assert.deepEqual([read('burstable/pod1'), read('burstable')], [equal, together])
      assert.equal(read('besteffort'), version === 'v1' ? '2' : '1')
    })
  }
  it('limit whole pods, or say that they cannot', async (context) => {
    const root = mkdtempSync(join(tmpdir(), 'cgroup-'))
    context.after(() => rmSync(root, { recursive: true }))
    for (const tree of ['cpu', 'memory', 'pids', '.']) mkdirSync(join(root, tree, 'podu'), { recursive: true })
    const limits = { cpuQuota: 50_000, memoryBytes: 1000, pids: 7 }
    await limitPod('/podu', 'cgroupfs', limits, root)
    const read = (...names: string[]) => readFileSync(join(root, ...names), 'utf8')
    const v1 = ['memory/podu/memory.limit_in_bytes', 'cpu/podu/cpu.cfs_quota_us', 'pids/podu/pids.max']
    assert.deepEqual(
      v1.map((file) => read(file)),
      ['1000', '50000', '7'],
    )
    writeFileSync(join(root, 'cgroup.controllers'), 'cpu')
    await limitPod('/podu', 'cgroupfs', limits, root)
    assert.deepEqual(
      ['memory.max', 'cpu.max', 'pids.max'].map((file) => read('podu', file)),
      ['1000', '50000 100000', '7'],
    )
    await assert.rejects(limitPod('/podu', 'systemd', limits, root), /cannot be set with the engine's cgroup driver systemd/)
  })
  it('are found for both versions', () => {
    const v1 = parseCgroupPaths('4:cpu,cpuacct:/a\n3:memory:/b:c\n0::/d\n')
    assert.deepEqual([v1.unified, v1.byController.get('cpuacct'), v1.byController.get('memory')], [undefined, '/a', '/b:c'])
    assert.equal(parseCgroupPaths('0::/kubepods/podu/x\n').unified, '/kubepods/podu/x')
  })
})

describe('events and times of the engine', () => {
  it('become news of pods', () => {
    const attributes = { 'io.kubernetes.pod.uid': 'u', 'coxswain.role': 'container', 'coxswain.sandbox': 's' }
    assert.deepEqual(eventOf({ Action: 'die', Actor: { ID: 'c', Attributes: attributes } }), {
      sandboxId: 's',
      containerId: 'c',
      podUid: 'u',
      what: 'died',
    })
    const own = { ...attributes, 'coxswain.role': 'sandbox' }
    assert.deepEqual(eventOf({ Action: 'start', Actor: { ID: 's', Attributes: own } }), {
      sandboxId: 's',
      containerId: undefined,
      podUid: 'u',
      what: 'started',
    })
    for (const line of [{}, { Action: 'exec_die: x', Actor: { ID: 'c', Attributes: attributes } }, { Action: 'die' }])
      assert.equal(eventOf(line), undefined)
  })
  it('have no year 1', () => {
    assert.equal(engineTime('0001-01-01T00:00:00Z'), undefined)
    assert.equal(engineTime(''), undefined)
    assert.equal(engineTime('2026-11-23T12:00:00.123456789Z'), Date.UTC(2026, 10, 23, 12, 0, 0, 123))
  })
})
