import type { FailureStatus } from '../../../shared/errors/status-error.ts'

/** What the server refused, in its own words (meta/v1 Status). */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: number
  readonly status: Partial<FailureStatus>

  constructor(code: number, status: Partial<FailureStatus>) {
    super(status.message ?? `the server answered ${code}`)
    this.code = code
    this.status = status
  }

  /** @param text the answer's body, a Status or whatever stands between */
  static of(code: number, text: string): Refusal {
    try {
      const body: unknown = JSON.parse(text)
      const isStatus = typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status'
      if (isStatus) return new Refusal(code, body as Partial<FailureStatus>)
    } catch {
      // Plain words then.
    }
    return new Refusal(code, text.trim() === '' ? {} : { message: text.trim().slice(0, 500) })
  }
}

/** The server is not there, or not any more. */
export class Lost extends Error {
  override readonly name = 'Lost'
}

/** Whether it is about the server's state and not about the question: the same one may be answered later. */
export function isPassing(error: unknown): boolean {
  return error instanceof Lost || (error instanceof Refusal && (error.code === 429 || error.code >= 500))
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
