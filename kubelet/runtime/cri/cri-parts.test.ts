import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { GrpcError } from '../../../shared/grpc/grpc-client.ts'
import { silentLogger } from '../../../shared/logging/logger.ts'
import { realClock } from '../../../shared/time/clock.ts'
import { containerConfig, sandboxConfig } from '../../../test/contract/runtime-subject.ts'
import type { HostLimits } from '../host-limits.ts'
import { runtimeEndpoint } from '../node-runtime.ts'
import type { CriClient } from './cri-client.ts'
import { containerRequest, sandboxRequest } from './cri-create.ts'
import { differences, type Seen } from './cri-events.ts'
import { criLog } from './cri-logs.ts'
import { rotateOne } from './cri-rotation.ts'
import { containerStatus, processInfo, sandboxStatus } from './cri-status.ts'
import { exitCodeOf } from './cri-streaming.ts'
import { matchExecs } from './exec-process.ts'

const limited: HostLimits = { capabilities: ['CHOWN', 'SYS_ADMIN'], fullyPrivileged: false, negativeOomScore: false }
const free: HostLimits = { capabilities: ['CHOWN'], fullyPrivileged: true, negativeOomScore: true }

describe('requests to a CRI runtime', () => {
  const request = (overrides: Parameters<typeof containerConfig>[2], limits = limited) =>
    containerRequest(sandboxConfig(), containerConfig('i', ['run'], overrides), 'sha256:1', {}, limits)
  const secured = (security: object, limits = limited) =>
    request({ security: { ...containerConfig('i', []).security, ...security } }, limits).linux?.securityContext

  it('name users and groups as numbers where they are, and leave the image its user', () => {
    const user = (text: string | undefined) => {
      const { runAsUser, runAsUsername, runAsGroup } = secured({ user: text }) ?? {}
      return { runAsUser, runAsUsername, runAsGroup }
    }
    assert.deepEqual(user('1000:2000'), { runAsUser: { value: 1000 }, runAsUsername: undefined, runAsGroup: { value: 2000 } })
    assert.deepEqual(user('nginx:7'), { runAsUser: undefined, runAsUsername: 'nginx', runAsGroup: { value: 7 } })
    assert.deepEqual(user(undefined), { runAsUser: undefined, runAsUsername: undefined, runAsGroup: undefined })
  })

  it('give a privileged container what the machine has, by the runtime itself only where that is everything', () => {
    assert.equal(secured({ privileged: true }, free)?.privileged, true)
    const emulated = secured({ privileged: true })
    assert.equal(emulated?.privileged, undefined)
    assert.deepEqual(emulated?.capabilities?.addCapabilities, ['CHOWN', 'SYS_ADMIN'])
    assert.equal(emulated?.seccomp?.profileType, 'Unconfined')
    const place = { logsDir: '/logs', cgroupDriver: 'cgroupfs', limits: free }
    assert.equal(sandboxRequest(sandboxConfig({ privileged: true }), {}, place).linux?.securityContext?.privileged, true)
    assert.equal(
      sandboxRequest(sandboxConfig({ privileged: true }), {}, { ...place, limits: limited }).linux?.securityContext?.privileged,
      false,
    )
  })

  it('ask for no negative score that the machine refuses, and for no swap on top of memory', () => {
    const resources = { oomScoreAdjust: -997, memoryLimitBytes: 1024, cpuQuota: 5000, cpuShares: 2 }
    const expected = {
      oomScoreAdj: 0,
      memoryLimitInBytes: 1024,
      memorySwapLimitInBytes: 1024,
      cpuPeriod: 100_000,
      cpuQuota: 5000,
      cpuShares: 2,
    }
    assert.deepEqual(request({ resources }).linux?.resources, expected)
    assert.equal(request({ resources }, free).linux?.resources?.oomScoreAdj, -997)
  })

  it('put logs where log agents look, and cgroups as the runtime spells them', () => {
    const pod = { namespace: 'n', name: 'p', uid: 'u' }
    const place = { logsDir: '/var/log/pods', cgroupDriver: 'systemd', limits: free }
    const sandbox = sandboxRequest(sandboxConfig({ pod, cgroupParent: '/kubepods/burstable/pod1-2' }), {}, place)
    assert.equal(sandbox.logDirectory, '/var/log/pods/n_p_u')
    assert.equal(sandbox.linux?.cgroupParent, 'kubepods-burstable-pod1_2.slice')
    assert.equal(request({ attempt: 3 }).logPath, 'main/3.log')
  })

  for (const [what, config, expected] of [
    ['its own', {}, { pid: 'CONTAINER' }],
    ['the pod’s', { pidNamespaceOf: 'sandbox' }, { pid: 'POD' }],
    ['the machine’s', { pidNamespaceOf: 'host' }, { pid: 'NODE' }],
    ['another container’s', { pidNamespaceOf: { containerId: 'c' } }, { pid: 'TARGET', targetId: 'c' }],
  ] as const) {
    it(`name the process namespace: ${what}`, () => {
      assert.deepEqual(request(config).linux?.securityContext?.namespaceOptions, { network: 'POD', ipc: 'POD', ...expected })
    })
  }
})

describe('answers of a CRI runtime', () => {
  const told = {
    ...{ id: 'c', metadata: { name: 'main', attempt: 1 }, createdAt: '1700000000000000000', startedAt: '0', finishedAt: '0' },
    ...{ exitCode: 0, imageRef: 'r', reason: '', message: '', labels: {}, logPath: '', resources: null },
  }
  const nothing = { pid: undefined, resources: undefined }

  it('are explained where the runtime is silent', () => {
    const exited = containerStatus({ ...told, state: 'CONTAINER_EXITED', exitCode: 3 }, nothing)
    assert.deepEqual([exited.reason, exited.finishedAt, exited.startedAt], ['Error', 1_700_000_000_000, undefined])
    assert.equal(containerStatus({ ...told, state: 'CONTAINER_EXITED', reason: 'OOMKilled', exitCode: 137 }, nothing).reason, 'OOMKilled')
    assert.equal(containerStatus({ ...told, state: 'CONTAINER_UNKNOWN' }, nothing).reason, 'ContainerStatusUnknown')
  })

  it('give process and limits, whatever else they say', () => {
    const resources = { cpu: { shares: 512, quota: 30_000, period: 50_000 }, memory: { limit: 4096 } }
    const info = { info: JSON.stringify({ pid: 7, runtimeSpec: { linux: { resources } } }) }
    assert.deepEqual(processInfo(info), { pid: 7, resources: { cpuShares: 512, cpuQuota: 60_000, memoryLimitBytes: 4096 } })
    for (const text of ['', 'no JSON', '[]', 'null', '{"pid":"7","runtimeSpec":3}', '{"pid":0}'])
      assert.deepEqual(processInfo({ info: text }), nothing, text)
    assert.deepEqual(processInfo({}), nothing)
  })

  it('show a sandbox without an address as not ready, unless it needs none', () => {
    const status = { id: 's', metadata: null, state: 'SANDBOX_READY' as const, createdAt: '0', annotations: {}, network: null }
    assert.equal(sandboxStatus({ ...status, labels: {} }).state, 'notReady')
    assert.equal(sandboxStatus({ ...status, labels: { 'coxswain.host-network': 'true' } }).state, 'ready')
    const network = { ip: '10.0.0.1', additionalIps: [{ ip: 'fd00::1' }] }
    assert.deepEqual(sandboxStatus({ ...status, network, labels: {} }).ips, ['10.0.0.1', 'fd00::1'])
  })

  it('end a session with its exit code, or say why there is none', () => {
    const failure = { status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '7' }] } }
    assert.equal(exitCodeOf('{"metadata":{},"status":"Success"}'), 0)
    assert.equal(exitCodeOf(JSON.stringify(failure)), 7)
    assert.throws(() => exitCodeOf('{"status":"Failure","message":"no such container"}'), {
      reason: 'SessionFailed',
      message: 'no such container',
    })
    assert.throws(() => exitCodeOf('container not running'), { message: 'container not running' })
    assert.throws(() => exitCodeOf(''), { reason: 'SessionLost' })
  })
})

describe('lines of CRI logs', () => {
  const { read } = criLog('')
  const of = (line: string) => {
    const entry = read(line)
    return entry && { ...entry, data: entry.data.toString() }
  }
  it('are whole or pieces, with their stream and time in UTC', () => {
    const time = '2030-01-01T00:00:00.123456789Z'
    assert.deepEqual(of(`${time} stdout F one two\n`), { time, stream: 'stdout', data: 'one two\n' })
    assert.deepEqual(of(`${time} stderr P half\n`), { time, stream: 'stderr', data: 'half' })
    assert.deepEqual(of(`${time} stdout F:x tagged\n`), { time, stream: 'stdout', data: 'tagged\n' })
    assert.deepEqual(of(`${time} stdout F \n`), { time, stream: 'stdout', data: '\n' })
    assert.equal(of('2030-01-01T02:00:00.123456789+02:00 stdout F x\n')?.time, time)
  })
  it('are passed over when the machine went down in the middle of one', () => {
    for (const line of ['', '2030', '2030-01-01T00:00:00Z stdout\n', '{"log":"x"}\n', '2030-01-01T00:00:00Z stdout F cut'])
      assert.equal(of(line), undefined, line)
  })
})

describe('what happened between two looks', () => {
  const seen = (entries: Record<string, string>): Seen =>
    new Map(
      Object.entries(entries).map(([id, state]) => [id, { state: state as never, sandboxId: id.startsWith('s') ? id : 's', podUid: 'u' }]),
    )
  const said = (before: Record<string, string>, now: Record<string, string>) =>
    differences(seen(before), seen(now)).map(({ what, containerId, sandboxId }) => `${containerId ?? sandboxId} ${what}`)

  for (const [what, before, now, expected] of [
    ['nothing', { c: 'CONTAINER_RUNNING' }, { c: 'CONTAINER_RUNNING' }, []],
    ['a start', { c: 'CONTAINER_CREATED' }, { c: 'CONTAINER_RUNNING' }, ['c started']],
    ['an end', { c: 'CONTAINER_RUNNING' }, { c: 'CONTAINER_EXITED' }, ['c died']],
    ['a short life', {}, { c: 'CONTAINER_EXITED' }, ['c started', 'c died']],
    ['a creation', {}, { c: 'CONTAINER_CREATED' }, []],
    ['a removal', { c: 'CONTAINER_EXITED' }, {}, ['c removed']],
    ['a sandbox that dies', { s1: 'SANDBOX_READY' }, { s1: 'SANDBOX_NOTREADY' }, ['s1 died']],
  ] as const) {
    it(what, () => assert.deepEqual(said(before, now), expected))
  }
})

describe('whose process is whose', () => {
  const session = (askedAt: number, ...command: string[]) => ({ askedAt, command })
  const process = (pid: number, started: number, ...commandLine: string[]) => ({ pid, started, commandLine })

  it('goes by command line, then by order, and never by what was there before', () => {
    const [first, second, third] = [session(100, 'sleep', '1'), session(101, 'sh', '-c', 'exec cat'), session(102, 'sleep', '1')]
    const processes = [
      process(9, 50, 'sleep', '1'),
      process(30, 103, 'sleep', '1'),
      process(20, 102, 'cat'),
      process(10, 101, 'sleep', '1'),
    ]
    assert.deepEqual(
      [...matchExecs([third, second, first], processes)],
      [
        [first, 10],
        [third, 30],
        [second, 20],
      ],
    )
  })
  it('is nobody’s while the runtime still starts it', () => {
    assert.equal(matchExecs([session(100, 'a')], [process(1, 99, 'a')]).size, 0)
  })
})

describe('log rotation', () => {
  async function rotated(answer: () => Promise<never> | Promise<object>): Promise<Record<string, string>> {
    const folder = await mkdtemp(join(tmpdir(), 'coxswain-rotation-'))
    try {
      for (const [name, text] of [
        ['0.log', 'newest'],
        ['0.log.1', 'older'],
        ['0.log.4', 'oldest'],
      ] as const)
        await writeFile(join(folder, name), text)
      // Only the runtime's answer is made up.
      const cri = { call: answer } as unknown as CriClient
      const options = { cri, logs: async () => [], clock: realClock(), log: silentLogger() }
      await rotateOne(options, { containerId: 'c', path: join(folder, '0.log') }, new AbortController().signal, 3)
      const names = await readdir(folder)
      return Object.fromEntries(await Promise.all(names.sort().map(async (name) => [name, await readFile(join(folder, name), 'utf8')])))
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  it('makes room for a new file and throws the oldest away', async () => {
    assert.deepEqual(await rotated(async () => ({})), { '0.log.1': 'newest', '0.log.2': 'older' })
  })
  it('puts the file back that a runtime goes on writing', async () => {
    const refusal = async () => {
      throw new GrpcError('not now', 2)
    }
    assert.equal((await rotated(refusal))['0.log'], 'newest')
  })
})

it('takes endpoints as upstream does, and refuses others with the cure', () => {
  assert.equal(runtimeEndpoint(undefined), undefined)
  assert.equal(runtimeEndpoint('/run/c.sock'), 'unix:///run/c.sock')
  assert.equal(runtimeEndpoint('unix:///run/c.sock'), 'unix:///run/c.sock')
  assert.throws(() => runtimeEndpoint('tcp://1.2.3.4:5'), /--container-runtime-endpoint: "tcp.*" is not unix:\/\/\//)
})
