import type { Clock } from '../../../shared/time/clock.ts'
import { framesOfLog } from '../container-log.ts'
import { RuntimeError, type SessionStreams } from '../container-runtime.ts'
import { deliverAll, type Frame } from '../session-frames.ts'
import { followSizes } from '../terminal-size.ts'
import { type EarlyOutput, openOutput } from './docker-early-output.ts'
import { engineTime } from './docker-inspect.ts'
import { dockerLog } from './docker-logs.ts'
import type { DockerParts } from './docker-sandboxes.ts'
import { framesOf } from './docker-streams.ts'
import { DETACH_KEYS, resize } from './docker-terminal.ts'

/** For so long after its end an attach to a container still gets what it printed. Milliseconds: people's clients look, then ask. */
const JUST_ENDED = 60_000

export interface AttachParts extends Pick<DockerParts, 'docker' | 'inspect' | 'log'> {
  readonly clock: Clock
  readonly early: EarlyOutput
}

/**
 * A session with the container itself. The first one gets everything since the start, one that comes when the container has just ended gets what
 * it printed. Input and output are two connections to the engine, because on one of them the end of the input would be the end of the output.
 */
export async function attachTo(id: string, streams: SessionStreams, parts: AttachParts): Promise<void> {
  const { docker, inspect, early, clock, log } = parts
  const { signal, stdin } = streams
  const details = await inspect.fresh(id, signal)
  if (!details) throw new RuntimeError('ContainerNotFound', `container ${id} is gone`)
  const { Tty: tty, OpenStdin: hasInput } = details.Config
  const isRunning = async () => (await inspect.fresh(id, signal))?.State.Running === true
  const held = early.take(id)
  if (!held && !details.State.Running) {
    const ended = engineTime(details.State.FinishedAt) ?? 0
    if (clock.now() - ended > JUST_ENDED) throw new RuntimeError('ContainerNotRunning', `container ${id} is not running`)
    return deliverAll(framesOfLog(dockerLog(details.LogPath)), streams)
  }

  async function* output(): AsyncGenerator<Frame> {
    if (held) {
      yield* held
      // It ends with the container, or with the engine's process: then there is more to come.
      if (!(await isRunning())) return
    }
    const socket = await openOutput(docker, id, signal)
    try {
      signal.addEventListener('abort', () => socket.destroy(), { once: true })
      yield* framesOf(socket, tty)
    } finally {
      socket.destroy()
    }
  }

  const over = new AbortController()
  const stop = () => held?.close()
  signal.addEventListener('abort', stop, { once: true })
  if (streams.resize) {
    void followSizes(streams.resize, (size) => resize(docker, `/containers/${id}/resize`, size, signal, log), over.signal)
  }
  try {
    if (hasInput && details.State.Running) await connectInput(id, streams, parts, over.signal)
    else stdin?.resume()
    await deliverAll(output(), streams)
  } finally {
    over.abort()
    held?.close()
    signal.removeEventListener('abort', stop)
  }
}

/** Connects the input until the session is over. What the container does not take, because it has closed its input or ended, is dropped. */
async function connectInput(id: string, { stdin, signal }: SessionStreams, { docker }: AttachParts, over: AbortSignal): Promise<void> {
  if (!stdin) return
  const query = { stream: true, stdin: true, detachKeys: DETACH_KEYS }
  const input = await docker.hijack(`/containers/${id}/attach`, { query, signal })
  const disconnect = () => {
    stdin.unpipe(input)
    input.destroy()
    stdin.resume()
  }
  over.addEventListener('abort', disconnect, { once: true })
  input.once('close', disconnect)
  // Nothing comes back here; unread, its end would not be noticed.
  input.resume()
  stdin.pipe(input)
}
