/** Trying again will not help until the object changes: a controller reports it and waits for the next event. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError'
}
