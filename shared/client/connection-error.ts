/** The server could not be reached or the connection broke before the answer was complete; whether a write happened is unknown. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}
