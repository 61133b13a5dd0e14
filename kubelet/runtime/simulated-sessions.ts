import type { Writable } from 'node:stream'
import type { Clock } from '../../shared/time/clock.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { type ContainerRuntime, type LogOptions, RuntimeError, type SessionStreams } from './container-runtime.ts'
import type { SimulatedContainer } from './simulated-state.ts'
import { writeAll } from './write-all.ts'

/** Logs, commands and terminals of simulated containers. */
export function simulatedSessions(
  find: (id: string) => SimulatedContainer | undefined,
  finish: (container: SimulatedContainer, exitCode: number) => void,
  clock: Clock,
): Pick<ContainerRuntime, 'logs' | 'exec' | 'attach'> {
  function running(id: string): SimulatedContainer {
    const container = find(id)
    if (container?.status.state !== 'running') throw new RuntimeError('ContainerNotFound', `container ${id} is not running`)
    return container
  }

  async function logs(id: string, options: LogOptions, output: Writable, signal: AbortSignal): Promise<void> {
    const container = find(id)
    if (!container) throw new RuntimeError('ContainerNotFound', `container ${id} is gone`)
    let left = options.limitBytes ?? Number.POSITIVE_INFINITY
    let next = Math.max(0, container.log.length - (options.tailLines ?? Number.POSITIVE_INFINITY))
    for (;;) {
      for (; next < container.log.length; next++) {
        const entry = container.log[next]
        if (!entry || entry.at < (options.since ?? 0)) continue
        const line = options.timestamps ? `${timestamp(entry.at)} ${entry.text}` : entry.text
        const bytes = Buffer.from(line).subarray(0, left)
        left -= bytes.length
        if (!(await writeAll(output, bytes, signal)) || left <= 0) return
      }
      if (!options.follow || container.status.state === 'exited' || !find(id) || signal.aborted) return
      await changeOf(container, signal)
    }
  }

  async function exec(id: string, command: readonly string[], streams: SessionStreams): Promise<number> {
    const { behaviour } = running(id)
    let input = ''
    for await (const chunk of streams.stdin ?? []) input += chunk
    const answer = behaviour.exec?.(command, input) ?? { exitCode: 0 }
    if (answer.stdout && streams.stdout) await writeAll(streams.stdout, Buffer.from(answer.stdout), streams.signal)
    if (answer.stderr) {
      const target = streams.tty ? streams.stdout : streams.stderr
      if (target) await writeAll(target, Buffer.from(answer.stderr), streams.signal)
    }
    if (answer.never) await clock.sleep(Number.MAX_SAFE_INTEGER, streams.signal)
    streams.signal.throwIfAborted()
    return answer.exitCode
  }

  async function attach(id: string, streams: SessionStreams): Promise<void> {
    const container = running(id)
    if (container.behaviour.echoesInput && streams.stdin) {
      for await (const chunk of streams.stdin) if (streams.stdout) await writeAll(streams.stdout, chunk, streams.signal)
      finish(container, 0)
      return
    }
    while (container.status.state === 'running') await changeOf(container, streams.signal)
    streams.signal.throwIfAborted()
  }

  return { logs, exec, attach }
}

function changeOf(container: SimulatedContainer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      container.watchers.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    container.watchers.add(done)
    signal.addEventListener('abort', done, { once: true })
  })
}
