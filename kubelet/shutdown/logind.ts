import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { writeFileIfDifferent } from '../../shared/certificates/atomic-file.ts'
import type { ShutdownSource } from './shutdown-source.ts'

const MANAGER = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'] as const
/** From logind alone: any user may send a signal of that name. */
const MATCH = `type='signal',sender='${MANAGER[0]}',path='${MANAGER[1]}',interface='${MANAGER[2]}',member='PrepareForShutdown'`

export interface LogindOptions {
  /** Milliseconds that the machine is to wait at most. */
  delay: number
  /** Makes logind let a shutdown wait that long, where its own settings are shorter. */
  allowDelay(milliseconds: number, signal: AbortSignal): Promise<void>
  /** Address of the system bus; absent: the machine's. */
  bus?: string | undefined
}

const ask = promisify(execFile)

/** Whether systemd runs this machine (sd_booted(3)): logind comes with it. */
export const hasLogind = () => existsSync('/run/systemd/system')

/**
 * systemd's logind, through the tools that come with it: `systemd-inhibit` holds a delay lock for as long as its child lives, `busctl` shows the
 * signal PrepareForShutdown. Both end with the kubelet, however that ends, so no machine waits for nobody.
 */
export function logind({ delay, allowDelay, bus }: LogindOptions): ShutdownSource {
  const env = bus === undefined ? process.env : { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: bus }

  /** How long logind lets a lock delay a shutdown, in milliseconds. */
  async function delayNow(signal: AbortSignal): Promise<number> {
    const { stdout } = await ask('busctl', ['--system', 'get-property', ...MANAGER, 'InhibitDelayMaxUSec'], { env, signal })
    const [, microseconds] = /^t (\d+)$/.exec(stdout.trim()) ?? []
    if (microseconds === undefined) throw new Error(`busctl said ${JSON.stringify(stdout)}`)
    return Number(microseconds) / 1_000
  }

  /** Returns how to let go of the lock. It is held until the input of its child ends, which is also when this process dies. */
  function takeLock(lost: (error: unknown) => void): () => void {
    const why = '--why=Kubelet needs time to handle node shutdown'
    const lock = spawn('systemd-inhibit', ['--what=shutdown', '--mode=delay', '--who=kubelet', why, 'cat'], {
      ...{ env, stdio: ['pipe', 'ignore', 'ignore'] },
    })
    let isReleased = false
    lock.stdin?.on('error', () => undefined) // it has ended, which is told below
    lock.once('error', lost)
    lock.once('exit', (code) => {
      if (!isReleased) lost(new Error(`systemd-inhibit ended (${code})`))
    })
    return () => {
      isReleased = true
      lock.stdin?.end()
    }
  }

  return {
    async follow(onShutdown, onCancel, signal) {
      if ((await delayNow(signal)) < delay) {
        await allowDelay(delay, signal)
        const most = await delayNow(signal)
        if (most < delay) throw new Error(`logind lets a shutdown wait for ${most / 1_000} s (InhibitDelayMaxSec), not ${delay / 1_000} s`)
      }
      const end = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => end.resolve(), { once: true })
      // Before the lock: what happens while it is held is seen.
      const monitor = spawn('busctl', ['--system', '--json=short', `--match=${MATCH}`, 'monitor'], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      monitor.once('error', end.reject)
      monitor.once('exit', (code) => end.reject(new Error(`busctl ended (${code})`)))
      let release = takeLock(end.reject)
      createInterface({ input: monitor.stdout }).on('line', (line) => {
        const isGoing = readSignal(line)
        if (isGoing) {
          // Of this shutdown: by then another lock may be held.
          const held = release
          onShutdown().then(held, end.reject)
        } else if (isGoing === false) {
          release()
          release = takeLock(end.reject)
          onCancel()
        }
      })
      try {
        await end.promise
      } finally {
        monitor.kill()
        release()
      }
    },
  }
}

/** Whether the machine goes down (true) or does not after all (false); undefined: a line about something else. */
export function readSignal(line: string): boolean | undefined {
  let message: unknown
  try {
    message = JSON.parse(line)
  } catch {
    return undefined // the tool's own words
  }
  if (typeof message !== 'object' || message === null) return undefined
  const { member, payload }: { member?: unknown; payload?: { data?: unknown } } = message
  const data = payload?.data
  return member === 'PrepareForShutdown' && Array.isArray(data) && typeof data[0] === 'boolean' ? data[0] : undefined
}

/** A file of logind's own settings, as upstream's kubelet writes it, and word to logind that it is there. */
export async function allowDelayOfLogind(file: string, milliseconds: number, signal: AbortSignal): Promise<void> {
  mkdirSync(dirname(file), { recursive: true })
  const comment = '# Written by the kubelet: its pods need this long to end (--shutdown-grace-period).'
  writeFileIfDifferent(file, `${comment}\n[Login]\nInhibitDelayMaxSec=${Math.ceil(milliseconds / 1_000)}\n`)
  await ask('systemctl', ['kill', '--signal=HUP', 'systemd-logind.service'], { signal })
}
