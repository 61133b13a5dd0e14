import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import type {
  ContainerConfig,
  ContainerRuntime,
  ContainerStatus,
  RuntimeEvent,
  SandboxConfig,
  SessionStreams,
} from '../../kubelet/runtime/container-runtime.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { containerLimits } from './container-limits.ts'
import { containerConfig, sandboxConfig } from './runtime-subject.ts'

/** A driver ready for the suite. Commands are given as a shell would get them; a simulated driver has a script that knows these. */
export interface RuntimeUnderTest {
  runtime: ContainerRuntime
  /** Waiting in the suite goes by this clock, so that a virtual one works. */
  clock: Clock
  /** Of an image that has a shell. */
  image: string
  dispose(): Promise<void>
}

/** Every command the suite runs, by what it shows. */
export const commands = {
  forever: ['sh', '-c', 'trap "exit 0" TERM; echo ready; while :; do sleep 0.1; done'],
  ignoresTerm: ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'],
  failsAtOnce: ['sh', '-c', 'echo one; echo two; exit 7'],
  succeedsAtOnce: ['sh', '-c', 'exit 0'],
  missing: ['no-such-command'],
  echoesInput: ['cat'],
} as const

/** Waits for a state by asking again; every wait has an end. */
async function until<T>(clock: Clock, what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = clock.monotonic() + 20_000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    assert.ok(clock.monotonic() < deadline, `timed out waiting until ${what}`)
    await clock.sleep(20)
  }
}

/** What every container runtime must do. */
export function containerRuntimeContract(driver: string, make: () => Promise<RuntimeUnderTest>): void {
  describe(`container runtime contract: ${driver}`, { timeout: 120_000 }, () => {
    let subject: RuntimeUnderTest
    let runtime: ContainerRuntime
    let clock: Clock
    const { signal } = new AbortController()
    const sandboxes: string[] = []

    before(async () => {
      subject = await make()
      ;({ runtime, clock } = subject)
    })
    after(async () => {
      for (const id of sandboxes) {
        for (const container of await runtime.listContainers({}, signal)) {
          if (container.sandboxId === id) await runtime.removeContainer(container.id, signal)
        }
        await runtime.removeSandbox(id, signal)
      }
      await subject?.dispose()
    })

    async function sandbox(overrides: Partial<SandboxConfig> = {}) {
      const status = await runtime.runSandbox(sandboxConfig(overrides), signal)
      sandboxes.push(status.id)
      return status
    }

    async function started(sandboxId: string, command: readonly string[], overrides: Partial<ContainerConfig> = {}): Promise<string> {
      const id = await runtime.createContainer(sandboxId, containerConfig(subject.image, command, overrides), signal)
      await runtime.startContainer(id, signal)
      return id
    }

    async function ended(id: string): Promise<ContainerStatus> {
      return until(clock, 'the container has ended', async () => {
        const status = await runtime.containerStatus(id, signal)
        return status?.state === 'exited' && status
      })
    }

    async function logsOf(id: string, options: Parameters<ContainerRuntime['logs']>[1]): Promise<string> {
      const output = new PassThrough()
      const text = collect(output)
      await runtime.logs(id, options, output, signal)
      output.end()
      return text
    }

    async function hasPrinted(id: string, text: string): Promise<void> {
      await until(clock, `the container has printed ${text}`, async () =>
        (await logsOf(id, { follow: false, timestamps: false })).includes(text),
      )
    }

    function session(parts: Partial<SessionStreams> = {}) {
      const stdout = new PassThrough()
      const stderr = new PassThrough()
      const texts = { stdout: collect(stdout), stderr: collect(stderr) }
      return {
        streams: { stdout, stderr, tty: false, signal, ...parts } satisfies SessionStreams,
        async finish() {
          stdout.end()
          stderr.end()
          return { stdout: await texts.stdout, stderr: await texts.stderr }
        },
      }
    }

    it('runs a pod by the handler that it names, and refuses a handler that is not there', async () => {
      const { id } = await sandbox({ runtimeHandler: 'runc' })
      await started(id, commands.forever)
      await assert.rejects(sandbox({ runtimeHandler: 'nonsense' }), /runtime .*nonsense/)
      assert.equal((await runtime.listSandboxes({}, signal)).filter((each) => each.state === 'ready' && each.id === id).length, 1)
    })

    it('says its version', async () => {
      const version = await runtime.version(signal)
      assert.notEqual(version.name, '')
      assert.notEqual(version.version, '')
    })

    it('runs a sandbox that is listed with all it was given, until removed', async () => {
      const made = await sandbox({ attempt: 3 })
      assert.equal(made.state, 'ready')
      assert.equal(made.ips.length, 1)
      const [listed] = await runtime.listSandboxes({ podUid: made.pod.uid }, signal)
      assert.deepEqual(
        { id: listed?.id, state: listed?.state, attempt: listed?.attempt, pod: listed?.pod, ips: listed?.ips },
        { id: made.id, state: 'ready', attempt: 3, pod: made.pod, ips: made.ips },
      )
      assert.equal(listed?.labels['colour'], 'green')
      assert.ok((await runtime.listSandboxes({}, signal)).some((one) => one.id === made.id))
      await runtime.stopSandbox(made.id, signal)
      assert.equal((await runtime.listSandboxes({ podUid: made.pod.uid }, signal))[0]?.state, 'notReady')
      await runtime.removeSandbox(made.id, signal)
      assert.deepEqual(await runtime.listSandboxes({ podUid: made.pod.uid }, signal), [])
    })

    it('forgives stopping and removing what is stopped or gone', async () => {
      const { id } = await sandbox()
      const container = await started(id, commands.succeedsAtOnce)
      await ended(container)
      await runtime.stopContainer(container, 5, signal)
      await runtime.removeContainer(container, signal)
      await runtime.removeContainer(container, signal)
      await runtime.stopContainer(container, 5, signal)
      await runtime.stopSandbox(id, signal)
      await runtime.stopSandbox(id, signal)
      await runtime.removeSandbox(id, signal)
      await runtime.removeSandbox(id, signal)
      await runtime.stopSandbox(id, signal)
      assert.equal(await runtime.containerStatus(container, signal), undefined)
    })

    it('gives different sandboxes different addresses', async () => {
      const [a, b] = await Promise.all([sandbox(), sandbox()])
      assert.notEqual(a.ips[0], b.ips[0])
    })

    it('has no addresses of its own on the host network', async () => {
      const made = await sandbox({ hostNetwork: true })
      assert.deepEqual(made.ips, [])
      assert.equal((await runtime.listSandboxes({ podUid: made.pod.uid }, signal))[0]?.state, 'ready')
    })

    it('keeps name, attempt, image and labels of a container through its states', async () => {
      const { id: sandboxId, pod } = await sandbox()
      const id = await runtime.createContainer(sandboxId, containerConfig(subject.image, commands.forever, { attempt: 4 }), signal)
      const created = await runtime.containerStatus(id, signal)
      assert.equal(created?.state, 'created')
      await runtime.startContainer(id, signal)
      const running = await runtime.containerStatus(id, signal)
      assert.equal(running?.state, 'running')
      assert.ok(running.startedAt !== undefined && running.startedAt > 1_500_000_000_000)
      assert.deepEqual(
        {
          name: running.name,
          attempt: running.attempt,
          sandboxId: running.sandboxId,
          image: running.image,
          taste: running.labels['taste'],
        },
        { name: 'main', attempt: 4, sandboxId, image: subject.image, taste: 'sweet' },
      )
      assert.notEqual(running.imageId, '')
      await hasPrinted(id, 'ready')
      await runtime.stopContainer(id, 10, signal)
      const [exited] = await runtime.listContainers({ podUid: pod.uid }, signal)
      assert.equal(exited?.state, 'exited')
      assert.equal(exited.exitCode, 0)
      assert.equal(exited.reason, 'Completed')
      assert.ok((exited.finishedAt ?? 0) >= (exited.startedAt ?? Number.POSITIVE_INFINITY))
    })

    it('reports how a container ended', async () => {
      const { id: sandboxId } = await sandbox()
      const failed = await ended(await started(sandboxId, commands.failsAtOnce))
      assert.equal(failed.exitCode, 7)
      assert.equal(failed.reason, 'Error')
      const fine = await ended(await started(sandboxId, commands.succeedsAtOnce, { attempt: 1 }))
      assert.equal(fine.exitCode, 0)
      assert.equal(fine.reason, 'Completed')
    })

    it('kills what ignores TERM when the grace is over', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await started(sandboxId, commands.ignoresTerm)
      await hasPrinted(id, 'ready')
      const before = clock.monotonic()
      await runtime.stopContainer(id, 1, signal)
      assert.ok(clock.monotonic() - before >= 900, 'it was given its second')
      assert.equal((await ended(id)).exitCode, 137)
    })

    it('lets a second, shorter stop overtake the first', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await started(sandboxId, commands.ignoresTerm)
      await hasPrinted(id, 'ready')
      const before = clock.monotonic()
      const patient = new AbortController()
      const first = assert.rejects(runtime.stopContainer(id, 60, patient.signal))
      await clock.sleep(100)
      patient.abort(new Error('not that long'))
      await first
      await runtime.stopContainer(id, 0, signal)
      assert.ok(clock.monotonic() - before < 15_000)
      assert.equal((await ended(id)).exitCode, 137)
    })

    it('explains a command that is not there, and counts the container as ended', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await runtime.createContainer(sandboxId, containerConfig(subject.image, commands.missing), signal)
      await assert.rejects(runtime.startContainer(id, signal), (error: Error & { reason?: string }) => {
        assert.equal(error.reason, 'RunContainerError')
        assert.match(error.message, /no-such-command.*executable file not found in \$PATH/)
        return true
      })
      const status = await runtime.containerStatus(id, signal)
      assert.equal(status?.state, 'exited')
      assert.equal(status.exitCode, 128)
      assert.equal(status.reason, 'StartError')
      assert.match(status.message ?? '', /no-such-command/)
    })

    it('refuses to create in a sandbox that is gone', async () => {
      await assert.rejects(runtime.createContainer('0123456789ab', containerConfig(subject.image, commands.forever), signal), {
        name: 'RuntimeError',
      })
    })

    it('gives logs whole, by tail, by bytes and with timestamps', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await started(sandboxId, commands.failsAtOnce)
      await ended(id)
      assert.equal(await logsOf(id, { follow: false, timestamps: false }), 'one\ntwo\n')
      assert.equal(await logsOf(id, { follow: true, timestamps: false }), 'one\ntwo\n')
      assert.equal(await logsOf(id, { follow: false, timestamps: false, tailLines: 1 }), 'two\n')
      assert.equal(await logsOf(id, { follow: false, timestamps: false, tailLines: 0 }), '')
      assert.equal(await logsOf(id, { follow: false, timestamps: false, limitBytes: 5 }), 'one\nt')
      assert.match(await logsOf(id, { follow: false, timestamps: true, tailLines: 1 }), /^\d{4}-\d\d-\d\dT[\d:.]+Z two\n$/)
      assert.equal(await logsOf(id, { follow: false, timestamps: false, since: clock.now() + 3_600_000 }), '')
    })

    it('follows a log until the container ends, or the reader has enough', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await started(sandboxId, commands.forever)
      const stop = new AbortController()
      const first = new PassThrough()
      const following = runtime.logs(id, { follow: true, timestamps: false }, first, stop.signal)
      for await (const chunk of first) if (String(chunk).includes('ready')) break
      stop.abort()
      await following
      const second = new PassThrough()
      const text = collect(second)
      const toTheEnd = runtime.logs(id, { follow: true, timestamps: false }, second, signal)
      await runtime.stopContainer(id, 10, signal)
      await toTheEnd
      second.end()
      assert.match(await text, /^ready\n/)
    })

    it('runs commands with separate outputs and their exit code', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await started(sandboxId, commands.forever)
      const run = session()
      const code = await runtime.exec(id, ['sh', '-c', 'echo out; echo err >&2; exit 3'], run.streams)
      assert.deepEqual({ code, ...(await run.finish()) }, { code: 3, stdout: 'out\n', stderr: 'err\n' })
    })

    it('feeds a command its input and ends with it', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await started(sandboxId, commands.forever)
      const stdin = new PassThrough()
      const run = session({ stdin })
      stdin.end('some text')
      assert.equal(await runtime.exec(id, ['cat'], run.streams), 0)
      assert.equal((await run.finish()).stdout, 'some text')
    })

    it('does not hold back a command whose output is read slowly', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await started(sandboxId, commands.forever)
      let bytes = 0
      let waiting = 0
      let most = 0
      const slow = new Writable({
        highWaterMark: 1024,
        write(chunk: Buffer, _encoding, done) {
          bytes += chunk.length
          waiting++
          most = Math.max(most, waiting)
          void clock.sleep(1).then(() => {
            waiting--
            done()
          })
        },
      })
      const code = await runtime.exec(id, ['sh', '-c', 'seq 1 20000'], { stdout: slow, tty: false, signal })
      slow.end()
      await new Promise((resolve) => slow.once('finish', resolve))
      assert.equal(code, 0)
      assert.equal(bytes, 108_894)
      assert.equal(most, 1)
    })

    it('ends an exec that is aborted', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await started(sandboxId, commands.forever)
      const stop = new AbortController()
      const running = runtime.exec(id, ['sh', '-c', 'sleep 1000'], { tty: false, signal: stop.signal })
      const rejected = assert.rejects(running, /enough/)
      await clock.sleep(200)
      stop.abort(new Error('enough'))
      await rejected
    })

    it('attaches to what a container reads and writes', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await started(sandboxId, commands.echoesInput, { stdin: true, stdinOnce: true })
      const stdin = new PassThrough()
      const attached = session({ stdin })
      const done = runtime.attach(id, attached.streams)
      stdin.end('to and fro\n')
      await done
      assert.equal((await attached.finish()).stdout, 'to and fro\n')
      assert.equal((await ended(id)).exitCode, 0)
    })

    it('tells of starts and ends as they happen', async () => {
      const heard: RuntimeEvent[] = []
      const listening = new AbortController()
      runtime.events((event) => heard.push(event), listening.signal)
      await until(clock, 'the event stream is there', async () => heard.some((event) => event.what === 'reconnected'))
      const { id: sandboxId, pod } = await sandbox()
      const id = await started(sandboxId, commands.failsAtOnce)
      const about = (what: RuntimeEvent['what']) =>
        heard.some((event) => event.what === what && event.containerId === id && event.podUid === pod.uid)
      await until(clock, 'start and end were heard', async () => about('started') && about('died'))
      await runtime.removeContainer(id, signal)
      await until(clock, 'the removal was heard', async () => about('removed'))
      listening.abort()
    })

    it('measures what a running container uses', async () => {
      const { id: sandboxId } = await sandbox()
      const id = await started(sandboxId, commands.forever)
      const stats = await runtime.stats(id, signal)
      assert.ok(stats && stats.memoryBytes > 0 && stats.cpuNanoseconds > 0n)
      await runtime.stopContainer(id, 0, signal)
      assert.equal(await runtime.stats(id, signal), undefined)
    })

    containerLimits({ runtime: () => runtime, forever: commands.forever, sandbox, started })

    it('knows its images and refuses names that are none', async () => {
      const image = await runtime.imageStatus(subject.image, signal)
      assert.ok(image && image.id !== '' && image.sizeBytes > 0)
      assert.ok((await runtime.listImages(signal)).some((one) => one.id === image.id))
      assert.equal(await runtime.imageStatus('no-such-image:never', signal), undefined)
      await assert.rejects(runtime.pullImage('UPPER', undefined, signal), { reason: 'InvalidImageName' })
      await assert.rejects(runtime.pullImage('localhost:1/no-such-image:never', undefined, signal), { reason: 'ErrImagePull' })
      await runtime.removeImage('no-such-image:never', signal)
    })
  })
}

/** Everything a stream carries, as text. */
async function collect(stream: PassThrough): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}
