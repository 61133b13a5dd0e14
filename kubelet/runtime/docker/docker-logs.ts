import type { Writable } from 'node:stream'
import type { Clock } from '../../../shared/time/clock.ts'
import { type ContainerLog, writeLog } from '../container-log.ts'
import { type ContainerRuntime, type LogOptions, RuntimeError } from '../container-runtime.ts'
import type { LogEntry } from '../log-lines.ts'
import { isMissing } from './docker-client.ts'
import type { DockerParts } from './docker-sandboxes.ts'

/** How long to wait before the engine is asked again whether the container has ended. Milliseconds. */
const ASK_AGAIN = 1_000

/** Logs as the engine keeps them (json-file). */
export function dockerLogs({
  docker,
  inspect,
  clock,
}: Pick<DockerParts, 'docker' | 'inspect'> & { clock: Clock }): ContainerRuntime['logs'] {
  async function untilEnded(id: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await docker.call('POST', `/containers/${id}/wait`, { signal })
        return
      } catch (error) {
        if (isMissing(error)) return
        // The engine may only be restarting.
        await clock.sleep(ASK_AGAIN, signal)
      }
    }
  }

  return async (id: string, options: LogOptions, output: Writable, signal: AbortSignal): Promise<void> => {
    const details = await inspect.fresh(id, signal)
    if (!details) throw new RuntimeError('ContainerNotFound', `container ${id} is gone`)
    if (details.LogPath === '') return // it has not been started
    const follow = options.follow && details.State.Running
    const following = follow ? { ended: (until: AbortSignal) => untilEnded(id, until), clock } : undefined
    await writeLog(dockerLog(details.LogPath), options, following, output, signal)
  }
}

/** The engine's file of this path. */
export function dockerLog(path: string): ContainerLog {
  return { path, read: entryOf }
}

function entryOf(line: string): LogEntry | undefined {
  try {
    const { log, stream, time } = JSON.parse(line) as { log?: unknown; stream?: unknown; time?: unknown }
    if (typeof log !== 'string' || typeof time !== 'string') return undefined
    return { stream: stream === 'stderr' ? 'stderr' : 'stdout', data: Buffer.from(log), time }
  } catch {
    return undefined // a line that was being written when the machine went down
  }
}
