import type { SessionStreams } from './container-runtime.ts'
import { writeAll } from './write-all.ts'

/** One piece of what a container or a command prints. */
export interface Frame {
  stream: 'stdout' | 'stderr'
  data: Buffer
}

/** Hands output to those who listen, at their pace; what nobody takes (any more) is dropped, so that the command does not block. An abort throws. */
export async function deliverAll(
  source: AsyncIterable<Frame>,
  streams: Pick<SessionStreams, 'stdout' | 'stderr' | 'signal'>,
): Promise<void> {
  const { signal } = streams
  try {
    for await (const { stream, data } of source) {
      const output = streams[stream]
      if (output) await writeAll(output, data, signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  signal.throwIfAborted()
}
