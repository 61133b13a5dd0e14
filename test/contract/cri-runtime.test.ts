import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import type { RuntimeEvent } from '../../kubelet/runtime/container-runtime.ts'
import { criClient } from '../../kubelet/runtime/cri/cri-client.ts'
import { podLogFolder } from '../../kubelet/runtime/cri/cri-create.ts'
import { rotateOne } from '../../kubelet/runtime/cri/cri-rotation.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { criUnderTest } from './cri-under-test.ts'
import { runtimeOnMachine } from './runtime-on-machine.ts'
import { containerConfig, sandboxConfig } from './runtime-subject.ts'

runtimeOnMachine('containerd', '10.199.77', async (podRange) => {
  const subject = await criUnderTest(podRange)
  return { ...subject, restarted: subject.reopen }
})

/** What the driver does beyond the contract, because CRI leaves it to the kubelet. */
describe('the CRI driver on this machine', () => {
  const { signal } = new AbortController()
  let subject: Awaited<ReturnType<typeof criUnderTest>>

  before(async () => {
    subject = await criUnderTest('10.199.79.0/24')
  })
  after(async () => {
    for (const { id } of await subject.runtime.listSandboxes({}, signal)) await subject.runtime.removeSandbox(id, signal)
    await subject.dispose()
  })

  async function started(script: string) {
    const sandbox = await subject.runtime.runSandbox(sandboxConfig(), signal)
    const id = await subject.runtime.createContainer(sandbox.id, containerConfig('busybox', ['sh', '-c', script]), signal)
    await subject.runtime.startContainer(id, signal)
    return { sandbox, id }
  }

  async function until(what: string, ask: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = subject.clock.monotonic() + 20_000
    while (!(await ask())) {
      assert.ok(subject.clock.monotonic() < deadline, `timed out waiting until ${what}`)
      await subject.clock.sleep(20)
    }
  }

  it('loses no container and misses no end when the runtime is killed and comes back', async () => {
    const heard: RuntimeEvent[] = []
    const listening = new AbortController()
    subject.runtime.events((event) => heard.push(event), listening.signal)
    const { sandbox, id } = await started('trap "exit 5" TERM; while :; do sleep 0.1; done')
    const reconnects = () => heard.filter(({ what }) => what === 'reconnected').length
    await until('the lists were read', () => reconnects() === 1)
    await subject.containerd.kill()
    await assert.rejects(subject.runtime.listContainers({}, signal), { name: 'GrpcError' })
    await subject.containerd.start()
    await until('the driver is back', () => reconnects() === 2)
    const status = await subject.runtime.containerStatus(id, signal)
    assert.equal(status?.state, 'running')
    const [found] = await subject.runtime.listSandboxes({ podUid: sandbox.pod.uid }, signal)
    assert.deepEqual([found?.state, found?.ips], ['ready', sandbox.ips])
    await subject.runtime.stopContainer(id, 10, signal)
    await until('its end was heard', () => heard.some(({ what, containerId }) => what === 'died' && containerId === id))
    assert.equal((await subject.runtime.containerStatus(id, signal))?.exitCode, 5)
    listening.abort()
  })

  it('gives a follower every line once while its log is rotated', async () => {
    const { sandbox, id } = await started(
      'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); [ $((i % 100)) = 0 ] && sleep 0.05; done',
    )
    const output = new PassThrough()
    let text = ''
    output.on('data', (chunk) => {
      text += chunk
    })
    const following = subject.runtime.logs(id, { follow: true, timestamps: false }, output, signal)
    const path = join(podLogFolder(subject.logsDir, sandbox.pod), 'main', '0.log')
    const rotation = {
      cri: criClient(subject.containerd.endpoint, subject.clock),
      logs: async () => [],
      clock: subject.clock,
      log: silentLogger(),
    }
    for (let times = 0; times < 3; times++) {
      await until('there is something to rotate', async () => existsSync(path) && (await readFile(path)).length > 2_000)
      await rotateOne(rotation, { containerId: id, path }, signal, 1)
      assert.ok(existsSync(path), 'the runtime writes a new file')
    }
    await following
    assert.deepEqual(
      text.trimEnd().split('\n'),
      Array.from({ length: 3000 }, (_, i) => `line ${i}`),
    )
    assert.equal((await readdir(join(path, '..'))).length, 4)
    await subject.runtime.removeContainer(id, signal)
    assert.deepEqual(await readdir(join(path, '..')), [])
  })

  it('ends a command that was abandoned with its children, and leaves its twin alone', async () => {
    const { id } = await started('while :; do sleep 1; done')
    const command = ['sh', '-c', 'sleep 4321; true']
    const sleepers = async () => {
      const output = new PassThrough()
      let text = ''
      output.on('data', (chunk) => {
        text += chunk
      })
      await subject.runtime.exec(id, ['sh', '-c', 'pgrep -x "sleep 4321" -f | wc -l'], { stdout: output, tty: false, signal })
      return Number(text)
    }
    const leaving = new AbortController()
    const staying = new AbortController()
    // Both at once, so that only the driver's care tells them apart.
    const ended = [leaving, staying].map((one) => {
      const running = subject.runtime.exec(id, command, { tty: false, signal: one.signal })
      return assert.rejects(running, /enough/)
    })
    await until('both run', async () => (await sleepers()) === 2)
    leaving.abort(new Error('enough'))
    await ended[0]
    assert.equal(await sleepers(), 1)
    staying.abort(new Error('enough'))
    await ended[1]
    assert.equal(await sleepers(), 0)
  })

  it('leaves no cgroup and no log of a pod that was removed', async () => {
    const { sandbox, id } = await started('sleep 1000')
    const group = join('/sys/fs/cgroup/memory/kubepods/besteffort', `pod${sandbox.pod.uid}`)
    assert.ok(existsSync('/sys/fs/cgroup/cgroup.controllers') || existsSync(group))
    const logs = podLogFolder(subject.logsDir, sandbox.pod)
    assert.ok(existsSync(logs))
    await subject.runtime.removeContainer(id, signal)
    await subject.runtime.removeSandbox(sandbox.id, signal)
    assert.ok(!existsSync(group))
    assert.ok(!existsSync(logs))
  })

  it('makes a container again that a crash left behind under the same name', async () => {
    const sandbox = await subject.runtime.runSandbox(sandboxConfig(), signal)
    const config = containerConfig('busybox', ['true'])
    const first = await subject.runtime.createContainer(sandbox.id, config, signal)
    const second = await subject.runtime.createContainer(sandbox.id, config, signal)
    assert.notEqual(first, second)
    assert.deepEqual(
      (await subject.runtime.listContainers({ podUid: sandbox.pod.uid }, signal)).map(({ id }) => id),
      [second],
    )
  })

  it('says why the runtime has no network, and that it has one as soon as one is offered', async () => {
    const folder = subject.containerd.networkConfigDir
    const [file] = await readdir(folder)
    assert.equal(file, '10-coxswain.conflist')
    assert.equal(await subject.runtime.networkProblem(signal), undefined)
    const text = JSON.parse(await readFile(join(folder, file), 'utf8'))
    assert.equal(text.plugins[0].ipam.ranges[0][0].subnet, '10.199.79.0/24')
  })
})
