import { spawn } from 'node:child_process'

/** How a program ended. */
export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Where and how a program runs. */
export interface CommandOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string
  readonly signal?: AbortSignal
  /** Sends `killSignal` once it has run for so many milliseconds. */
  readonly timeout?: number
  readonly killSignal?: NodeJS.Signals
  /** Called with each line of both outputs as it comes. */
  readonly onLine?: (line: string) => void
}

/** A program that ended with another exit code than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly result: CommandResult
  constructor(command: string, result: CommandResult) {
    super(`${command}: ${lastLines(result.stderr || result.stdout, 5) || `exit code ${result.code}`}`)
    this.result = result
  }
}

/** Runs a program to its end, whatever its exit code; -1 when a signal ended it. Rejects only when it cannot be started. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const { cwd, env, signal, timeout, killSignal } = options
    const child = spawn(command, args, { cwd, env: env as NodeJS.ProcessEnv, signal, timeout, killSignal })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      let rest = ''
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) options.onLine?.(line)
      })
    }
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, ...output }))
    // A program that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

/** Runs a program and gives what it printed, without the last line end. @throws CommandFailed */
export async function outputOf(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(command, args, options)
  if (result.code !== 0) throw new CommandFailed([command, ...args.slice(0, 3)].join(' '), result)
  return result.stdout.trimEnd()
}

/** The end of a longer text. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
