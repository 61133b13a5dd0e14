import { GrpcError } from '../../../shared/grpc/grpc-client.ts'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import { framesOfLog } from '../container-log.ts'
import { type ContainerRuntime, RuntimeError, type SessionStreams } from '../container-runtime.ts'
import { endProcessTree } from '../process-tree.ts'
import { deliverAll } from '../session-frames.ts'
import type { CriClient } from './cri-client.ts'
import type { CriInspect } from './cri-inspect.ts'
import { criLog } from './cri-logs.ts'
import { ioLabel } from './cri-status.ts'
import { runSession } from './cri-streaming.ts'
import { type ExecSession, execProcesses, isSame, matchExecs, ticksNow } from './exec-process.ts'

/** For so long after its end an attach to a container still gets what it printed. Milliseconds: people's clients look, then ask. */
const JUST_ENDED = 60_000
/** How long an abandoned command is looked for that the runtime is still starting. Milliseconds. */
const START_PATIENCE = 10_000
const LOOK_AGAIN = { first: 5, most: 500 }

export interface CriSessionParts {
  cri: CriClient
  inspect: CriInspect
  clock: Clock
  log: Logger
}

/** Interactive sessions: a command in a container, or the container's own input and output. The runtime serves them at an address of its own. */
export function criSessions(parts: CriSessionParts): Pick<ContainerRuntime, 'exec' | 'attach'> {
  const { cri, inspect, clock, log } = parts
  const running = new Map<string, Set<ExecSession>>()

  async function exec(id: string, command: readonly string[], streams: SessionStreams): Promise<number> {
    const { signal, tty } = streams
    // An exec without any stream is refused; output that nobody takes is dropped.
    const shape = { stdin: streams.stdin !== undefined, stdout: true, stderr: streams.stderr !== undefined && !tty, tty }
    const cut = new AbortController()
    const session: ExecSession = { command }
    const own = running.get(id) ?? new Set()
    const twins = [...own].filter((one) => isSame(one.command, command))
    running.set(id, own.add(session))
    let abandoned: Promise<void> | undefined
    const leave = () => {
      abandoned ??= abandon(id, session, cut)
    }
    try {
      // Nothing would tell them apart later.
      for (const twin of twins) await identify(id, twin, signal)
      session.askedAt = await ticksNow()
      const { url } = await cri.call('Exec', { containerId: id, cmd: command, ...shape }, { signal })
      signal.addEventListener('abort', leave, { once: true })
      if (signal.aborted) leave()
      return await runSession(url, shape, streams, cut.signal)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw error instanceof GrpcError ? new RuntimeError('ExecError', error.message, { cause: error }) : error
    } finally {
      cut.abort()
      signal.removeEventListener('abort', leave)
      await abandoned
      own.delete(session)
      if (own.size === 0) running.delete(id)
      signal.throwIfAborted()
    }
  }

  /**
   * The interface has no call that ends a command; its process is visible from the node. The session stays open meanwhile, because its end
   * says that the command has ended.
   */
  async function abandon(id: string, session: ExecSession, cut: AbortController): Promise<void> {
    try {
      const pid = await identify(id, session, cut.signal)
      if (pid !== undefined) await endProcessTree(pid, (cgroups) => cgroups.includes(id), clock)
    } catch (error) {
      log.debug('an abandoned exec could not be ended; it has most likely ended by itself', { container: id, error: String(error) })
    }
    cut.abort(new Error('the session was abandoned'))
  }

  /** The process of a command that was asked for; undefined when it has ended, or does not appear in time. */
  async function identify(id: string, session: ExecSession, signal: AbortSignal): Promise<number | undefined> {
    const deadline = clock.monotonic() + START_PATIENCE
    for (let wait = LOOK_AGAIN.first; clock.monotonic() < deadline && !signal.aborted; wait = Math.min(wait * 2, LOOK_AGAIN.most)) {
      const sessions = running.get(id)
      const pid = (await inspect.fresh(id, signal))?.pid
      if (pid === undefined || !sessions?.has(session)) return undefined
      session.pid = matchExecs([...sessions], await execProcesses(id, pid)).get(session)
      if (session.pid !== undefined) return session.pid
      await clock.sleep(wait, signal)
    }
    return undefined
  }

  async function attach(id: string, streams: SessionStreams): Promise<void> {
    const { signal } = streams
    const details = await inspect.fresh(id, signal)
    if (!details) throw new RuntimeError('ContainerNotFound', `container ${id} is gone`)
    const { status, logPath } = details
    if (status.state !== 'running') {
      if (clock.now() - (status.finishedAt ?? 0) > JUST_ENDED)
        throw new RuntimeError('ContainerNotRunning', `container ${id} is not running`)
      streams.stdin?.resume()
      return deliverAll(framesOfLog(criLog(logPath)), streams)
    }
    const has = status.labels[ioLabel] ?? ''
    const tty = has.includes('tty')
    const stdin = has.includes('stdin') && streams.stdin !== undefined
    if (!stdin) streams.stdin?.resume()
    const shape = { stdin, stdout: true, stderr: !tty, tty }
    try {
      const { url } = await cri.call('Attach', { containerId: id, ...shape }, { signal })
      await runSession(url, shape, streams, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof GrpcError ? new RuntimeError('AttachError', error.message, { cause: error }) : error
    }
  }

  return { exec, attach }
}
