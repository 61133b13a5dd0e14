import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { criClient } from '../../kubelet/runtime/cri/cri-client.ts'
import { createCriRuntime } from '../../kubelet/runtime/cri/cri-runtime.ts'
import { linuxMounter } from '../../kubelet/volumes/mounter.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { realClock } from '../../shared/time/clock.ts'

const run = promisify(execFile)
const clock = realClock()
/** Where `ctr` and the interface keep what belongs to Kubernetes. */
const NAMESPACE = 'k8s.io'

/** A containerd of the test's own: data, sockets, network configuration and processes apart from the machine's. */
export interface PrivateContainerd {
  /** `unix:///…` */
  readonly endpoint: string
  /** Where it looks for a network, empty at first. */
  readonly networkConfigDir: string
  readonly folder: string
  /** Runs `ctr` against it. */
  ctr(...args: string[]): Promise<string>
  /** SIGKILL to the daemon; its containers live on. */
  kill(): Promise<void>
  start(): Promise<void>
  dispose(): Promise<void>
}

/** Starts one and gives it images of the machine's Docker engine. Its folder's name is short: socket paths may not be long. */
export async function privateContainerd(images: readonly string[]): Promise<PrivateContainerd> {
  const folder = mkdtempSync(join(tmpdir(), 'ctd-'))
  const socketPath = join(folder, 'c.sock')
  const networkConfigDir = join(folder, 'net.d')
  const logFile = join(folder, 'containerd.log')
  mkdirSync(networkConfigDir)
  writeFileSync(join(folder, 'config.toml'), configuration(folder, socketPath, networkConfigDir))
  let daemon: ChildProcess | undefined

  async function start(): Promise<void> {
    const log = openSync(logFile, 'a')
    daemon = spawn('containerd', ['--config', join(folder, 'config.toml')], { stdio: ['ignore', log, log] })
    const { listImages } = runtime('none')
    for (let tries = 0; ; tries++) {
      try {
        // Its version it tells before it is ready.
        await listImages(new AbortController().signal)
        return
      } catch (error) {
        if (daemon.exitCode !== null || tries > 300)
          throw new Error(`containerd does not start: ${readFileSync(logFile, 'utf8').slice(-2000)}`, { cause: error })
        await clock.sleep(100)
      }
    }
  }

  const endpoint = `unix://${socketPath}`
  const runtime = (nodeName: string) => createCriRuntime({ endpoint, nodeName, logsDir: folder, clock, log: silentLogger() })

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return
    const exited = once(daemon, 'exit')
    daemon.kill(signal)
    await exited
  }

  const ctr = async (...args: string[]) =>
    (await run('ctr', ['--address', socketPath, '--namespace', NAMESPACE, ...args], { maxBuffer: 1 << 24 })).stdout

  await start()
  const archive = join(folder, 'images.tar')
  await run('docker', ['save', '--output', archive, ...images])
  await ctr('images', 'import', archive)
  await rm(archive)
  return {
    ...{ endpoint, networkConfigDir, folder, ctr, start },
    kill: () => end('SIGKILL'),
    async dispose() {
      // A shim outlives its daemon, and so does a network; what is left of a failed test is taken down by the daemon that knows it.
      const cri = criClient(endpoint, clock)
      const { items } = await cri.call('ListPodSandbox', {}).catch(() => ({ items: [] }))
      for (const { id: podSandboxId } of items) await cri.call('RemovePodSandbox', { podSandboxId }).catch(() => undefined)
      await end('SIGTERM')
      const mounter = linuxMounter(clock)
      for (const path of await mounter.mountsUnder(folder)) await mounter.unmount(path, new AbortController().signal)
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}

/** Negative OOM scores need a capability that not every machine gives. */
function configuration(folder: string, socketPath: string, networkConfigDir: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"'
  return [
    'version = 2',
    `root = "${join(folder, 'root')}"`,
    `state = "${join(folder, 'state')}"`,
    'disabled_plugins = ["io.containerd.internal.v1.opt"]',
    '[grpc]',
    `  address = "${socketPath}"`,
    `[${cri}]`,
    '  sandbox_image = "registry.k8s.io/pause:3.10"',
    '  restrict_oom_score_adj = true',
    `  [${cri}.cni]`,
    '    bin_dir = "/usr/lib/cni"',
    `    conf_dir = "${networkConfigDir}"`,
    '',
  ].join('\n')
}
