import { Writable } from 'node:stream'
import { type ContainerRuntime, RuntimeError } from '../runtime/container-runtime.ts'
import { failure, MOST_OUTPUT, type ProbeOutcome, success } from './probe-outcome.ts'

/** Runs a command in the container; exit code 0 is well. */
export async function execProbe(
  runtime: Pick<ContainerRuntime, 'exec'>,
  containerId: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  let output = ''
  const collect = () =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        if (output.length < MOST_OUTPUT) output += chunk.toString('utf8').slice(0, MOST_OUTPUT - output.length)
        done()
      },
    })
  try {
    const code = await runtime.exec(containerId, command, { stdout: collect(), stderr: collect(), tty: false, signal })
    return code === 0 ? success(output) : failure(output.trim() || `command ${JSON.stringify(command)} exited with ${code}`)
  } catch (error) {
    if (signal.aborted) return failure(`command ${JSON.stringify(command)} timed out`)
    if (error instanceof RuntimeError) return failure(error.message)
    // The engine itself was not to be reached: that is no news of the container.
    return { result: 'unknown', message: error instanceof Error ? error.message : String(error) }
  }
}
