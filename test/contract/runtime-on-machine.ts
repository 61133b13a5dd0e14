import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { hostname, networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { ContainerConfig, ContainerRuntime, SandboxConfig } from '../../kubelet/runtime/container-runtime.ts'
import { systemRandom } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { loopDevice } from '../harness/loop-device.ts'
import { containerConfig, sandboxConfig } from './runtime-subject.ts'

/** A driver of a runtime that runs containers for real. */
export interface MachineUnderTest {
  runtime: ContainerRuntime
  /** The driver of a kubelet that was restarted. */
  restarted: () => ContainerRuntime
  clock: Clock
  /** Of an image that has a shell. */
  image: string
  dispose(): Promise<void>
}

/** What only a real machine can show: namespaces, cgroups, addresses, and a kubelet that comes back. @param network e.g. `10.199.72` of a /24 */
export function runtimeOnMachine(driver: string, network: string, make: (podRange: string) => Promise<MachineUnderTest>): void {
  describe(`${driver} on this machine`, { timeout: 120_000 }, () => {
    const { signal } = new AbortController()
    const random = systemRandom()
    let subject: MachineUnderTest
    const made: string[] = []

    before(async () => {
      subject = await make(`${network}.0/24`)
    })
    after(async () => {
      for (const { id } of await subject.runtime.listContainers({}, signal)) await subject.runtime.removeContainer(id, signal)
      for (const id of made) await subject.runtime.removeSandbox(id, signal)
      await subject.dispose()
    })

    async function sandbox(overrides: Partial<SandboxConfig> = {}) {
      const status = await subject.runtime.runSandbox(sandboxConfig(overrides), signal)
      made.push(status.id)
      return status
    }

    async function started(sandboxId: string, script: string, overrides: Partial<ContainerConfig> = {}): Promise<string> {
      const config = containerConfig(subject.image, ['sh', '-c', script], { security: plainSecurity, ...overrides })
      const id = await subject.runtime.createContainer(sandboxId, config, signal)
      await subject.runtime.startContainer(id, signal)
      return id
    }

    const plainSecurity: ContainerConfig['security'] = {
      groups: [],
      privileged: false,
      readOnlyRootFilesystem: false,
      noNewPrivileges: false,
      addCapabilities: [],
      dropCapabilities: [],
      seccomp: 'unconfined',
    }

    /** What a short script prints, stdout and stderr together. */
    async function printed(sandboxId: string, script: string, overrides: Partial<ContainerConfig> = {}): Promise<string> {
      const id = await started(sandboxId, script, { name: `run-${random.nameSuffix(5)}`, ...overrides })
      const output = new PassThrough()
      let text = ''
      output.on('data', (chunk) => {
        text += chunk
      })
      await subject.runtime.logs(id, { follow: true, timestamps: false }, output, signal)
      return text
    }

    it('gives a pod its name, its resolver, its address and a way out', async () => {
      const { id, ips } = await sandbox()
      const text = await printed(id, 'hostname; cat /etc/resolv.conf; ip -4 addr show eth0; ip route')
      assert.match(text, /^subject\n/)
      assert.match(text, /search contract\.svc\.cluster\.local/)
      assert.match(text, /nameserver 10\.96\.0\.10/)
      assert.match(text, /ndots:5/)
      assert.ok(text.includes(ips[0] ?? 'nothing'))
      assert.ok(text.includes(`default via ${network}.1`))
    })

    it('tells an out-of-memory kill from another end', async () => {
      const { id } = await sandbox()
      const container = await started(id, 'x=a; while :; do x=$x$x; done', {
        resources: { oomScoreAdjust: 1000, memoryLimitBytes: 16 << 20 },
      })
      let status = await subject.runtime.containerStatus(container, signal)
      for (let i = 0; i < 100 && status?.state !== 'exited'; i++) {
        await subject.clock.sleep(50)
        status = await subject.runtime.containerStatus(container, signal)
      }
      assert.equal(status?.reason, 'OOMKilled')
      assert.equal(status.exitCode, 137)
    })

    it('mounts, restricts and identifies as asked', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'coxswain-mount-'))
      await chmod(folder, 0o755)
      await writeFile(join(folder, 'note'), 'from the node\n')
      const { id } = await sandbox()
      const text = await printed(
        id,
        'exec 2>&1; cat /data/note; echo x > /data/x || echo held; echo x > /x || echo rooted; id -u; id -g; id -G; grep CapEff /proc/self/status',
        {
          mounts: [{ source: folder, target: '/data', readOnly: true, propagation: 'private' }],
          security: { ...plainSecurity, user: '1000:2000', groups: [3000], readOnlyRootFilesystem: true, dropCapabilities: ['ALL'] },
        },
      )
      assert.match(text, /from the node\n/)
      assert.match(text, /held\n/)
      assert.match(text, /rooted\n/)
      assert.match(text, /1000\n2000\n2000 3000\n/)
      assert.match(text, /CapEff:\s+0000000000000000/)
      await rm(folder, { recursive: true })
    })

    it('gives a container a block device, to read and write, or to read alone', async (context) => {
      const disk = loopDevice(context as TestContext, 1 << 20)
      if (!disk) return
      const { id } = await sandbox()
      const device = (readOnly: boolean) => ({ devices: [{ source: disk.path, target: '/dev/disk-of-pod', readOnly }] })
      const look = 'test -b /dev/disk-of-pod && head -c 5 /dev/disk-of-pod'
      const write = (text: string) => `echo ${text} | dd of=/dev/disk-of-pod conv=sync 2>&1 >/dev/null | grep -o "not permitted"`
      assert.equal(await printed(id, `${write('first')}; ${look}`, device(false)), 'first')
      assert.equal(await printed(id, `${write('other')}; ${look}`, device(true)), 'not permitted\nfirst')
    })

    it('asks a container to end by the signal that its pod names', async () => {
      const { id } = await sandbox()
      const container = await started(id, 'trap "exit 42" USR1; trap "exit 1" TERM; echo up; while :; do sleep 0.1; done', {
        stopSignal: 'SIGUSR1',
      })
      const output = new PassThrough()
      const stop = new AbortController()
      const following = subject.runtime.logs(container, { follow: true, timestamps: false }, output, stop.signal)
      for await (const chunk of output) if (String(chunk).includes('up')) break
      stop.abort()
      await following
      await subject.runtime.stopContainer(container, 20, signal)
      assert.equal((await subject.runtime.containerStatus(container, signal))?.exitCode, 42)
    })

    it('runs a privileged container with all this machine can give', async () => {
      const { id } = await sandbox()
      const text = await printed(id, 'mount -t tmpfs none /tmp && echo mounted; grep CapEff /proc/self/status', {
        security: { ...plainSecurity, privileged: true },
      })
      assert.match(text, /mounted/)
    })

    it('takes a Guaranteed pod whatever the machine permits', async () => {
      const { id } = await sandbox()
      const score = await printed(id, 'cat /proc/self/oom_score_adj', { resources: { oomScoreAdjust: -997 } })
      assert.match(score, /^(-997|0)\n$/)
    })

    it('lets sysctls and a shared process view belong to the pod', async () => {
      const { id } = await sandbox({ sysctls: { 'net.core.somaxconn': '777' } })
      const text = await printed(id, 'cat /proc/sys/net/core/somaxconn; ps', { pidNamespaceOf: 'sandbox' })
      assert.match(text, /^777\n/)
      assert.match(text, /\/pause/)
    })

    it('is the machine where the pod asked to be: its network, its name, its processes, yet with a resolver of its own', async () => {
      const { id } = await sandbox({ hostNetwork: true, hostPID: true, hostIPC: true })
      const before = Object.keys(networkInterfaces())
      const text = await printed(id, 'hostname; ls /sys/class/net; ls -d /proc/self/ns/ipc; cat /proc/1/comm; cat /etc/resolv.conf', {
        pidNamespaceOf: 'host',
        hostIPC: true,
      })
      const [name, ...rest] = text.split('\n')
      assert.equal(name, hostname())
      // Other tests make and remove interfaces meanwhile: those that were there all the time count.
      const lasting = Object.keys(networkInterfaces()).filter((one) => before.includes(one))
      assert.deepEqual(
        lasting.filter((one) => !rest.includes(one)),
        [],
      )
      assert.ok(rest.includes((await readFile('/proc/1/comm', 'utf8')).trim()))
      assert.match(text, /nameserver 10\.96\.0\.10/)
    })

    it('reaches a port that listens on the pod loopback only, and says why where none does', async () => {
      const { id } = await sandbox()
      const server = await started(id, 'echo up; nc -l -p 8080 -s 127.0.0.1 -e /bin/cat')
      const output = new PassThrough()
      const stop = new AbortController()
      const following = subject.runtime.logs(server, { follow: true, timestamps: false }, output, stop.signal)
      for await (const chunk of output) if (String(chunk).includes('up')) break
      stop.abort()
      await following
      let socket: Awaited<ReturnType<typeof subject.runtime.connectPort>> | undefined
      for (let i = 0; i < 50 && !socket; i++) {
        // The listener appears a moment after its shell has spoken.
        socket = await subject.runtime.connectPort(id, 8080, signal).catch(() => undefined)
      }
      assert.ok(socket)
      socket.end('there and back')
      let text = ''
      for await (const chunk of socket) text += chunk
      assert.equal(text, 'there and back')
      await assert.rejects(subject.runtime.connectPort(id, 8081, signal), /ECONNREFUSED/)
    })

    it('publishes host ports and withdraws them', async () => {
      const port = 20_000 + Math.floor(random.fraction() * 9000)
      const { id, ips } = await sandbox({ hostPorts: [{ hostPort: port, containerPort: 80, protocol: 'TCP' }] })
      await started(id, 'while :; do echo served | nc -l -p 80; done')
      let answer = ''
      for (let i = 0; i < 50 && answer === ''; i++) {
        answer = await ask('127.0.0.1', port)
        if (answer === '') await subject.clock.sleep(50)
      }
      assert.equal(answer, 'served\n')
      assert.equal(ips.length, 1)
      await subject.runtime.removeSandbox(id, signal)
      assert.equal(await ask('127.0.0.1', port), '')
    })

    it('is adopted by the next kubelet: same containers, same addresses', async () => {
      const { id, pod, ips } = await sandbox()
      const container = await started(id, 'sleep 1000', { attempt: 2 })
      const next = subject.restarted()
      const [found] = await next.listSandboxes({ podUid: pod.uid }, signal)
      assert.deepEqual({ id: found?.id, state: found?.state, ips: found?.ips }, { id, state: 'ready', ips })
      const [running] = await next.listContainers({ podUid: pod.uid }, signal)
      assert.deepEqual(
        { id: running?.id, attempt: running?.attempt, state: running?.state },
        { id: container, attempt: 2, state: 'running' },
      )
    })
  })
}

/** All that a server sends, or nothing when it cannot be reached. */
function ask(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, host)
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
    socket.on('error', () => resolve(''))
  })
}
