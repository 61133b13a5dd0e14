/** The server could not be reached or the connection broke before the answer was complete. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  /** Whether the request may have reached the server: whether a write happened is unknown then, and otherwise it did not. */
  readonly sent: boolean
  constructor(message: string, { sent = true, ...options }: ErrorOptions & { sent?: boolean } = {}) {
    super(message, options)
    this.sent = sent
  }
}
