import type { Writable } from 'node:stream'

/** Writes and waits while the receiver cannot take more: this is all our back-pressure. False when the receiver has gone or the signal aborted. */
export async function writeAll(output: Writable, chunk: Buffer, signal: AbortSignal): Promise<boolean> {
  if (output.destroyed || output.writableEnded || signal.aborted) return false
  if (output.write(chunk)) return true
  await new Promise<void>((resolve) => {
    // A receiver that closes instead of draining must not be waited for.
    const done = () => {
      output.off('drain', done)
      output.off('close', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    output.once('drain', done)
    output.once('close', done)
    signal.addEventListener('abort', done, { once: true })
  })
  return !output.destroyed && !signal.aborted
}
