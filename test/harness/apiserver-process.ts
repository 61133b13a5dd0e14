import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as realDelay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectClient } from '../../shared/client/connect.ts'
import { realClock } from '../../shared/time/clock.ts'

const main = fileURLToPath(new URL('../../apiserver/main.ts', import.meta.url))

/** The API server as a process of its own, with its durable store: it can be killed at any instruction and started again. */
export interface ApiServerProcess {
  readonly kubeconfig: string
  readonly directory: string
  /** Resolves when it answers. @throws Error with what it printed when it ends instead */
  start(flags?: readonly string[]): Promise<void>
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Ends it and removes its data. */
  remove(): Promise<void>
}

/** Chooses a port and a folder; starts nothing. */
export async function apiServerProcess(): Promise<ApiServerProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'apiserver-process-'))
  const port = await freePort()
  const kubeconfig = join(directory, 'credentials', 'admin.kubeconfig')
  let child: ChildProcess | undefined
  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
  return {
    kubeconfig,
    directory,
    kill,
    async start(flags = []) {
      const args = [
        `--data-dir=${directory}`,
        `--secure-port=${port}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=192.0.2.1',
        ...flags,
      ]
      let log = ''
      const started = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
      child = started
      started.stderr?.on('data', (text) => (log += text))
      for (let attempt = 0; ; attempt++) {
        if (started.exitCode !== null || attempt > 600) throw new Error(`the API server did not start: ${log}`)
        if (await answers(kubeconfig)) return
        await realDelay(25)
      }
    },
    async remove() {
      await kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function answers(kubeconfig: string): Promise<boolean> {
  const { client, close } = connectClient({ kubeconfig, clock: realClock(), userAgent: 'readiness' })
  try {
    await client.request('GET', '/readyz', { accept: '*/*' })
    return true
  } catch {
    return false // not yet: its files or its port are not there
  } finally {
    close()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
