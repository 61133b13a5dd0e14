import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, openSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { dockerClient } from '../../kubelet/runtime/docker/docker-client.ts'
import { linuxMounter } from '../../kubelet/volumes/mounter.ts'
import { realClock } from '../../shared/time/clock.ts'

const run = promisify(execFile)
const clock = realClock()

/** A Docker engine of the test's own, to be killed: data, sockets and processes apart from the machine's engine. */
export interface PrivateEngine {
  readonly socketPath: string
  /** SIGKILL to the engine and its containerd, as when the machine runs out of memory; containers may live on as orphans. */
  kill(): Promise<void>
  start(): Promise<void>
  dispose(): Promise<void>
}

/** Starts one and gives it images of the machine's engine. Its folder's name is short: socket paths may not be long. */
export async function privateEngine(images: readonly string[]): Promise<PrivateEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'eng-'))
  const socketPath = join(folder, 'docker.sock')
  const logFile = join(folder, 'engine.log')
  let engine: ChildProcess | undefined

  async function start(): Promise<void> {
    await rm(join(folder, 'docker.pid'), { force: true })
    const log = openSync(logFile, 'a')
    const folders = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'docker.pid')]
    const alone = [
      '--bridge=none',
      '--iptables=false',
      '--ip6tables=false',
      '--ip-masq=false',
      '--ip-forward=false',
      '--storage-driver=overlay2',
    ]
    // In a network namespace of its own: an engine without a bridge deletes docker0, which belongs to the machine's engine.
    engine = spawn('unshare', ['--net', '--', 'dockerd', ...folders, ...alone, '--host', `unix://${socketPath}`], {
      stdio: ['ignore', log, log],
    })
    const docker = dockerClient(socketPath)
    for (let tries = 0; ; tries++) {
      try {
        await docker.call('GET', '/_ping')
        return
      } catch (error) {
        if (engine.exitCode !== null || tries > 300)
          throw new Error(`the engine does not start: ${readFileSync(logFile, 'utf8').slice(-2000)}`, { cause: error })
        await clock.sleep(100)
      }
    }
  }

  async function kill(): Promise<void> {
    const containerd = join(folder, 'exec', 'containerd', 'containerd.pid')
    const pid = existsSync(containerd) ? Number(readFileSync(containerd, 'utf8')) : 0
    await end('SIGKILL')
    if (pid > 0) endProcess(pid)
    await rm(containerd, { force: true })
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!engine || engine.exitCode !== null || engine.signalCode !== null) return
    const exited = once(engine, 'exit')
    engine.kill(signal)
    await exited
  }

  await start()
  for (const image of images) {
    await run('sh', ['-c', `docker save ${image} | docker --host unix://${socketPath} load`])
  }
  return {
    socketPath,
    kill,
    start,
    async dispose() {
      await end('SIGTERM')
      // What a killed engine had mounted stays mounted; a later one unmounts only its own.
      const mounter = linuxMounter(clock)
      for (const path of await mounter.mountsUnder(folder)) await mounter.unmount(path, new AbortController().signal)
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
