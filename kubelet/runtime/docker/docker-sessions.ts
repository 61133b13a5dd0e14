import type { Duplex } from 'node:stream'
import { type ContainerRuntime, RuntimeError, type SessionStreams } from '../container-runtime.ts'
import { endProcessTree } from '../process-tree.ts'
import { deliverAll } from '../session-frames.ts'
import { followSizes, type TerminalSize } from '../terminal-size.ts'
import { type AttachParts, attachTo } from './docker-attach.ts'
import { DockerError } from './docker-client.ts'
import { framesOf } from './docker-streams.ts'
import { DETACH_KEYS, resize } from './docker-terminal.ts'

interface ExecDetails {
  Running: boolean
  ExitCode: number | null
  Pid: number
}

/** The engine closes a session's stream a moment before it knows the exit code. Milliseconds between two questions. */
const EXIT_CODE_POLL = { first: 5, most: 500 }
/** How long an abandoned command is waited for that the engine is still starting. Milliseconds. */
const START_PATIENCE = 10_000

/** Interactive sessions: a command in a container, or the container's own terminal. */
export function dockerSessions(parts: AttachParts): Pick<ContainerRuntime, 'exec' | 'attach'> {
  const { docker, log, clock } = parts

  async function exec(id: string, command: readonly string[], streams: SessionStreams): Promise<number> {
    const { signal, tty } = streams
    const body = {
      Cmd: command,
      AttachStdin: streams.stdin !== undefined,
      AttachStdout: streams.stdout !== undefined || tty,
      AttachStderr: streams.stderr !== undefined && !tty,
      Tty: tty,
      DetachKeys: DETACH_KEYS,
    }
    let session: string | undefined
    try {
      session = (await docker.call<{ Id: string }>('POST', `/containers/${id}/exec`, { body, signal })).Id
      // Not to be aborted: what the engine has begun to start can only be ended when it is there.
      const socket = await docker.hijack(`/exec/${session}/start`, { body: { Detach: false, Tty: tty } })
      await converse(socket, streams, (size) => resize(docker, `/exec/${session}/resize`, size, signal, log))
      return await exitCode(session, signal)
    } catch (error) {
      if (signal.aborted && session !== undefined) await abandon(id, session)
      throw error instanceof DockerError ? new RuntimeError('ExecError', error.message, { cause: error }) : error
    }
  }

  async function exitCode(session: string, signal: AbortSignal): Promise<number> {
    for (let wait = EXIT_CODE_POLL.first; ; wait = Math.min(wait * 2, EXIT_CODE_POLL.most)) {
      const details = await docker.call<ExecDetails>('GET', `/exec/${session}/json`, { signal })
      if (!details.Running && details.ExitCode !== null) return details.ExitCode
      await clock.sleep(wait, signal)
    }
  }

  /** The engine has no call that ends an exec; its process is visible from the node. */
  async function abandon(container: string, session: string): Promise<void> {
    const deadline = clock.monotonic() + START_PATIENCE
    try {
      for (let wait = EXIT_CODE_POLL.first; clock.monotonic() < deadline; wait = Math.min(wait * 2, EXIT_CODE_POLL.most)) {
        const { Running: isRunning, Pid: pid, ExitCode: code } = await docker.call<ExecDetails>('GET', `/exec/${session}/json`)
        if (!isRunning && code !== null) return
        if (isRunning && pid > 0) return await endProcessTree(pid, (cgroups) => cgroups.includes(container), clock)
        await clock.sleep(wait)
      }
    } catch (error) {
      log.debug('an abandoned exec could not be ended; it has most likely ended by itself', { session, error: String(error) })
    }
  }

  return { exec, attach: (id, streams) => attachTo(id, streams, parts) }
}

/** Moves bytes both ways until the command's output ends; an abort throws. */
async function converse(socket: Duplex, streams: SessionStreams, resizeTo: (size: TerminalSize) => Promise<void>): Promise<void> {
  const { signal, stdin, tty } = streams
  const stop = () => socket.destroy()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  // On a terminal the engine would take the end of the input for the end of the output too.
  stdin?.pipe(socket, { end: !tty })
  const ended = new AbortController()
  if (streams.resize) void followSizes(streams.resize, resizeTo, ended.signal)
  try {
    await deliverAll(framesOf(socket, tty), streams)
  } finally {
    ended.abort()
    signal.removeEventListener('abort', stop)
    stdin?.unpipe(socket)
    socket.destroy()
    // Input that the command has not read is nobody's; its sender must not wait.
    stdin?.resume()
  }
}
