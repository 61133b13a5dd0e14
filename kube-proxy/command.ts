import { spawn } from 'node:child_process'

/** A program of the machine ended badly; the message holds its own words. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number | null
  constructor(command: readonly string[], exitCode: number | null, stderr: string) {
    super(`${command.join(' ')} ended with ${exitCode ?? 'a signal'}: ${stderr.trim().slice(0, 2_000) || 'it said nothing'}`)
    this.exitCode = exitCode
  }
}

/** Runs a program with this input and answers what it printed. @throws CommandError, or Error when it cannot be started */
export type RunCommand = (command: readonly string[], input?: string) => Promise<string>

/** Runs programs of this machine, found on the path and in the sbin folders (where nft and ip live). `prefix` goes in front of each command. */
export function machineCommands(prefix: readonly string[] = []): RunCommand {
  return (command, input = '') =>
    new Promise((resolve, reject) => {
      const [program, ...args] = [...prefix, ...command]
      const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`
      const child = spawn(program ?? '', args, { env: { ...process.env, PATH: path }, stdio: ['pipe', 'pipe', 'pipe'] })
      const output: Buffer[] = []
      const errors: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
      child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
      child.on('error', (error) => reject(new Error(`${program} cannot be run: ${error.message}`, { cause: error })))
      child.on('close', (code) => {
        if (code === 0) resolve(Buffer.concat(output).toString())
        else reject(new CommandError(command, code, Buffer.concat(errors).toString()))
      })
      // A program that refuses its input ends before it has read it; its exit code says the rest.
      child.stdin.on('error', () => undefined)
      child.stdin.end(input)
    })
}
