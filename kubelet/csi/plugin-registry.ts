import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { grpcClient } from '../../shared/grpc/grpc-client.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { FolderChange } from '../../shared/machine/folder-change.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import { namesIn } from '../volumes/folders.ts'
import type { PluginInfo, RegistrationCalls } from './csi-messages.ts'

const PROTO = fileURLToPath(new URL('./plugin-registration.proto', import.meta.url))
/** How often the folder is looked at besides: while something there is not settled, and for machines whose kernel tells of no change. */
const LOOK = { soon: 1_000, sometimes: 20_000 }
/** A plug-in that takes longer to say who it is hangs; upstream's figure. */
const PATIENCE = 10_000
const RETRY = { first: 1_000, most: 60_000 }
/** More than a node can have use for: whoever may write to the folder must not keep the kubelet busy. */
const MOST_SOCKETS = 200

/** Takes plug-ins of one type. Both calls are idempotent; one that throws is made again. */
export interface PluginHandler {
  /** @throws with a sentence for the plug-in's own log */
  register(info: PluginInfo, signal: AbortSignal): Promise<void>
  unregister(name: string, signal: AbortSignal): Promise<void>
}

/** A socket that was seen. */
interface Seen {
  /** Tells it from one that was made anew under the same name. */
  readonly identity: string
  /** Undefined while it is not registered. */
  plugin?: Pick<PluginInfo, 'type' | 'name'> | undefined
  isBusy: boolean
  retryAt: number
  pause: number
}

export interface PluginRegistryOptions {
  /** `<root-dir>/plugins_registry`. */
  folder: string
  /** By type, e.g. `CSIPlugin`. */
  handlers: ReadonlyMap<string, PluginHandler>
  clock: Clock
  log: Logger
}

/**
 * Follows the folder in which plug-ins put a socket to make themselves known (pluginregistration/v1): each new one is asked who it is, handed
 * to the handler of its type, and told the outcome. One whose socket is gone is given up; a folder that cannot be read says nothing of anybody.
 * Runs until the signal aborts.
 */
export async function followPlugins({ folder, handlers, clock, log }: PluginRegistryOptions, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, Seen>()
  const running = new Set<Promise<void>>()

  while (!signal.aborted) {
    const change = new FolderChange(folder)
    try {
      const found = await socketsIn(folder)
      look(found)
      const isSettled = [...seen].every(([path, { isBusy, plugin }]) => found.has(path) && !isBusy && plugin)
      await change.within(isSettled ? LOOK.sometimes : LOOK.soon, clock, signal)
    } catch (error) {
      log.warn('the folder of plug-ins cannot be read; those that are registered stay', { folder, error })
      await pause(clock, LOOK.soon, signal)
    } finally {
      change.end()
    }
  }
  await Promise.all(running)

  function look(found: ReadonlyMap<string, string>): void {
    for (const [path, identity] of found) {
      const known = seen.get(path)
      if (known?.isBusy) continue
      if (known?.identity === identity) {
        if (!known.plugin && known.retryAt <= clock.monotonic()) begin(known, () => register(path, known))
        continue
      }
      // The same plug-in, started anew: it stays known until it has said otherwise.
      const next: Seen = { identity, plugin: undefined, isBusy: false, retryAt: 0, pause: RETRY.first }
      seen.set(path, next)
      begin(next, () => register(path, next))
    }
    for (const [path, one] of seen) if (!found.has(path) && !one.isBusy) begin(one, () => forget(path, one))
  }

  function begin(one: Seen, act: () => Promise<void>): void {
    one.isBusy = true
    const work = act().finally(() => {
      one.isBusy = false
      running.delete(work)
    })
    running.add(work)
  }

  async function register(path: string, one: Seen): Promise<void> {
    const client = grpcClient<RegistrationCalls>(`unix://${path}`, PROTO, clock)
    const call = { signal, patience: PATIENCE }
    try {
      const said = await client.call('GetInfo', {}, call)
      const info = { ...said, endpoint: said.endpoint || path }
      try {
        const handler = handlers.get(info.type)
        if (!handler) throw new Error(`no handler registered for plugin type: ${info.type} at socket ${path}`)
        await handler.register(info, signal)
        one.plugin = info
      } catch (error) {
        await client.call('NotifyRegistrationStatus', { pluginRegistered: false, error: messageOf(error) }, call)
        throw error
      }
      log.info('a plug-in is registered', { type: info.type, name: info.name, endpoint: info.endpoint })
      await client.call('NotifyRegistrationStatus', { pluginRegistered: true, error: '' }, call)
    } catch (error) {
      if (signal.aborted) return
      one.retryAt = clock.monotonic() + one.pause
      one.pause = Math.min(one.pause * 2, RETRY.most)
      log.warn('a plug-in could not be registered; trying again', { socket: path, error })
    } finally {
      client.close()
    }
  }

  async function forget(path: string, one: Seen): Promise<void> {
    const { plugin } = one
    try {
      // Another socket may have taken its place under another name.
      const isElsewhere = [...seen].some(
        ([at, { plugin: other }]) => at !== path && other?.type === plugin?.type && other?.name === plugin?.name,
      )
      if (plugin && !isElsewhere) {
        await handlers.get(plugin.type)?.unregister(plugin.name, signal)
        log.info('a plug-in is gone', { type: plugin.type, name: plugin.name })
      }
      if (seen.get(path) === one) seen.delete(path)
    } catch (error) {
      if (!signal.aborted) log.warn('a plug-in that is gone could not be given up; trying again', { socket: path, error })
    }
  }
}

/** Sockets by path, with what tells each from its successor. @throws when the folder is there and cannot be read */
async function socketsIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const name of (await namesIn(folder)).sort().slice(0, MOST_SOCKETS)) {
    if (name.startsWith('.')) continue
    const path = join(folder, name)
    const status = await lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined // removed since the folder was read
      throw error
    })
    if (status?.isSocket()) found.set(path, `${status.ino} ${status.mtimeMs}`)
  }
  return found
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
