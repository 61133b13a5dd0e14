import { readFile, statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { runCommand } from '../command.ts'
import type { Settings } from '../settings.ts'
import { type Finding, good } from './finding.ts'

const GIB = 2 ** 30

/** What all worker hosts share because they share one kernel: disk, memory, inotify. */
export async function checkLimits(settings: Settings): Promise<Finding[]> {
  return [await disk(settings), memory(), await inotify()]
}

async function disk(settings: Settings): Promise<Finding> {
  const info = await runCommand('docker', ['info', '--format', '{{.DockerRootDir}}']).catch(() => undefined)
  // Where the engine is another machine's (Docker Desktop) its folder is not here.
  const folder = info?.code === 0 ? info.stdout.trim() : settings.checkout
  const space = await statfs(folder).catch(() => statfs(settings.checkout))
  const free = (space.bavail * space.bsize) / GIB
  const text = `disk: ${free.toFixed(1)} GiB free for Docker`
  const cure = 'docker system df shows what Docker keeps; docker image prune removes images that no container uses'
  if (free < 2) return { state: 'failed', text: `${text}; the cluster's images alone need 2`, cure }
  return free < 6 ? { state: 'warning', text, cure } : good(text)
}

function memory(): Finding {
  const total = totalmem() / GIB
  const text = `memory: ${total.toFixed(1)} GiB`
  return total < 1.5
    ? { state: 'warning', text: `${text}; two worker hosts and their pods are tight in it`, cure: 'COXSWAIN_WORKERS=1' }
    : good(text)
}

async function inotify(): Promise<Finding> {
  const wanted = { max_user_instances: 128, max_user_watches: 8192 }
  const low: string[] = []
  for (const [name, least] of Object.entries(wanted)) {
    const value = await readFile(`/proc/sys/fs/inotify/${name}`, 'utf8').catch(() => undefined)
    if (value !== undefined && Number(value) < least) low.push(`fs.inotify.${name}=${least * 8}`)
  }
  if (low.length === 0) return good('inotify: enough for a few worker hosts')
  return {
    state: 'warning',
    text: 'inotify: the limits are low; programs in pods that follow files will fail',
    cure: `sudo sysctl -w ${low.join(' ')}`,
  }
}
