import type { Duplex, Writable } from 'node:stream'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { type ContainerRuntime, RuntimeError, type SessionStreams } from './container-runtime.ts'
import { type DockerClient, DockerError } from './docker-client.ts'
import type { DockerParts } from './docker-sandboxes.ts'
import { frames } from './docker-streams.ts'
import { writeAll } from './write-all.ts'

interface ExecDetails {
  Running: boolean
  ExitCode: number | null
  Pid: number
}

/** The engine closes a session's stream a moment before it knows the exit code. Milliseconds between two questions. */
const EXIT_CODE_POLL = { first: 5, most: 500 }

type SessionParts = Pick<DockerParts, 'docker' | 'inspect' | 'log'> & { clock: Clock }

/** Interactive sessions: a command in a container, or the container's own terminal. */
export function dockerSessions(parts: SessionParts): Pick<ContainerRuntime, 'exec' | 'attach'> {
  const { docker, inspect, log, clock } = parts

  async function exec(id: string, command: readonly string[], streams: SessionStreams): Promise<number> {
    const { signal, tty } = streams
    const body = {
      Cmd: command,
      AttachStdin: streams.stdin !== undefined,
      AttachStdout: streams.stdout !== undefined || tty,
      AttachStderr: streams.stderr !== undefined && !tty,
      Tty: tty,
    }
    const session = (await docker.call<{ Id: string }>('POST', `/containers/${id}/exec`, { body, signal })).Id
    const detached = !body.AttachStdin && !body.AttachStdout && !body.AttachStderr
    try {
      const socket = await docker.hijack(`/exec/${session}/start`, { body: { Detach: false, Tty: tty }, signal })
      if (detached) socket.resume()
      await pump(socket, streams, tty, (size) => resize(docker, `/exec/${session}/resize`, size, signal, log))
      return await exitCode(session, signal)
    } catch (error) {
      if (signal.aborted) await killExec(session)
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
  async function killExec(session: string): Promise<void> {
    try {
      const details = await docker.call<ExecDetails>('GET', `/exec/${session}/json`)
      if (details.Running && details.Pid > 0) process.kill(details.Pid, 'SIGKILL')
    } catch (error) {
      log.debug('an aborted exec could not be killed; it has most likely ended', { session, error: String(error) })
    }
  }

  async function attach(id: string, streams: SessionStreams): Promise<void> {
    const { signal } = streams
    const details = await inspect.fresh(id, signal)
    if (!details) throw new RuntimeError('ContainerNotFound', `container ${id} is gone`)
    // The engine would answer with an empty stream; a refusal lets kubectl turn to the logs.
    if (!details.State.Running) throw new RuntimeError('ContainerNotRunning', `container ${id} is not running`)
    const { Tty: tty } = details.Config
    const query = {
      stream: true,
      stdin: streams.stdin !== undefined,
      stdout: streams.stdout !== undefined,
      stderr: streams.stderr !== undefined && !tty,
    }
    const socket = await docker.hijack(`/containers/${id}/attach`, { query, signal })
    await pump(socket, streams, tty, (size) => resize(docker, `/containers/${id}/resize`, size, signal, log))
  }

  return { exec, attach }
}

/** Moves bytes both ways until the far side ends; an abort throws. */
async function pump(
  socket: Duplex,
  streams: SessionStreams,
  tty: boolean,
  resizeTo: (size: { width: number; height: number }) => Promise<void>,
): Promise<void> {
  const { signal, stdin } = streams
  const stop = () => socket.destroy()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  // A socket that breaks while we write stdin must not take the process with it; the reading side reports it.
  socket.on('error', () => {})
  if (stdin) {
    stdin.on('error', () => socket.end())
    stdin.pipe(socket)
  }
  const ended = new AbortController()
  if (streams.resize) void follow(streams.resize, resizeTo, ended.signal)
  try {
    if (tty) for await (const data of socket) await deliver(streams.stdout, data, signal)
    else for await (const frame of frames(socket)) await deliver(streams[frame.stream], frame.data, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    ended.abort()
    signal.removeEventListener('abort', stop)
    stdin?.unpipe(socket)
    socket.destroy()
  }
  signal.throwIfAborted()
}

/** Output nobody takes (any more) is dropped, so that the command does not block. */
async function deliver(output: Writable | undefined, data: Buffer, signal: AbortSignal): Promise<void> {
  if (output) await writeAll(output, data, signal)
}

async function follow(
  sizes: AsyncIterable<{ width: number; height: number }>,
  resizeTo: (size: { width: number; height: number }) => Promise<void>,
  ended: AbortSignal,
): Promise<void> {
  try {
    for await (const size of sizes) {
      if (ended.aborted) return
      await resizeTo(size)
    }
  } catch {
    // The terminal's side ended mid-way: there is nobody left to resize for.
  }
}

async function resize(
  docker: DockerClient,
  path: string,
  size: { width: number; height: number },
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  try {
    await docker.call('POST', path, { query: { w: size.width, h: size.height }, signal })
  } catch (error) {
    // The engine answers 500 when the command has just ended.
    log.debug('a terminal could not be resized', { path, error: String(error) })
  }
}
