import { spawn } from 'node:child_process'
import type { Clock } from '../../shared/time/clock.ts'

/** A program of the machine said no, or nothing in time. */
export class MountProgramError extends Error {
  override readonly name = 'MountProgramError'
  readonly program: string
  readonly args: readonly string[]
  /** What it wrote, or what became of it. */
  readonly output: string
  /** Undefined: it did not come to an end by itself. */
  readonly exitCode: number | undefined

  constructor(program: string, args: readonly string[], { output, exitCode }: { output: string; exitCode?: number | undefined }) {
    super(`${program} ${args.join(' ')}: ${output}`)
    this.program = program
    this.args = args
    this.output = output
    this.exitCode = exitCode
  }

  /** It was stopped because it took too long: a server may be away. */
  get isLate(): boolean {
    return this.exitCode === undefined
  }
}

/**
 * Runs a program that may wait for a server which never answers. On abort and after `patience` milliseconds it is killed with all that it
 * started (`mount` leaves the work to a helper, which would mount long after nobody wants it any more), and nobody waits for its end: a process
 * within the kernel dies when the kernel lets it.
 * @returns what it wrote, no more than the last thousand characters
 * @throws MountProgramError, or the signal's reason
 */
export function runMountProgram(
  program: string,
  args: readonly string[],
  { patience, clock, signal }: { patience: number; clock: Clock; signal: AbortSignal },
): Promise<string> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    // A group of its own, to be killed as a whole.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let answer = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      answer = (answer + text).slice(-1000)
    })
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-1000)
    })
    const end = (settle: () => void) => {
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
      settle()
    }
    const giveUp = (error: unknown) => {
      if (child.pid !== undefined && child.exitCode === null) killGroup(child.pid)
      child.stdout.destroy()
      child.stderr.destroy()
      child.unref()
      end(() => reject(error))
    }
    const onAbort = () => giveUp(signal.reason)
    const timer = clock.after(patience, () => {
      const output = `${complaint.trim()} (no end after ${Math.round(patience / 1000)} s)`.trim()
      giveUp(new MountProgramError(program, args, { output }))
    })
    signal.addEventListener('abort', onAbort, { once: true })
    child.once('error', (error) => end(() => reject(error)))
    child.once('close', (code) => {
      const output = complaint.trim() || `exit code ${code}`
      end(() => (code === 0 ? resolve(answer) : reject(new MountProgramError(program, args, { output, exitCode: code ?? undefined }))))
    })
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // It ended by itself at this moment.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
