import type { Readable, Writable } from 'node:stream'
import { type ContainerRuntime, type LogOptions, RuntimeError } from './container-runtime.ts'
import { isMissing } from './docker-client.ts'
import type { DockerParts } from './docker-sandboxes.ts'
import { frames } from './docker-streams.ts'
import { writeAll } from './write-all.ts'

/** A container's log as the engine keeps it (json-file), byte for byte, stdout and stderr in the order they were written. */
export function dockerLogs({ docker, inspect }: Pick<DockerParts, 'docker' | 'inspect'>): ContainerRuntime['logs'] {
  return async (id: string, options: LogOptions, output: Writable, signal: AbortSignal): Promise<void> => {
    const details = await inspect.fresh(id, signal)
    if (!details) throw new RuntimeError('ContainerNotFound', `container ${id} is gone`)
    const query = {
      stdout: true,
      stderr: true,
      follow: options.follow,
      timestamps: options.timestamps,
      tail: options.tailLines,
      since: options.since === undefined ? undefined : (options.since / 1000).toFixed(3),
    }
    let source: Readable
    try {
      source = await docker.stream('GET', `/containers/${id}/logs`, { query, signal })
    } catch (error) {
      if (isMissing(error)) throw new RuntimeError('ContainerNotFound', `container ${id} is gone`, { cause: error })
      throw error
    }
    const stop = () => source.destroy()
    signal.addEventListener('abort', stop, { once: true })
    // A reader that goes away while the log is silent is noticed only here.
    output.once('close', stop)
    try {
      let left = options.limitBytes ?? Number.POSITIVE_INFINITY
      for await (const chunk of details.Config.Tty ? source : bytesOf(source)) {
        if (left <= 0) break
        const piece = chunk.length > left ? chunk.subarray(0, left) : chunk
        left -= piece.length
        if (!(await writeAll(output, piece, signal))) break
      }
    } catch (error) {
      // Destroying the source ends the loop with an error of its own; it was meant.
      if (!signal.aborted && !output.destroyed && !output.closed) throw error
    } finally {
      signal.removeEventListener('abort', stop)
      output.off('close', stop)
      source.destroy()
    }
  }
}

async function* bytesOf(source: Readable): AsyncGenerator<Buffer> {
  for await (const frame of frames(source)) yield frame.data
}
