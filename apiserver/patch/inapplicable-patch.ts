import { StatusError } from '../../shared/errors/status-error.ts'

/** An operation of a JSON patch does not apply to the document as it is. */
export class InapplicablePatch extends StatusError {
  /** Without what an answer says before it. */
  readonly why: string
  /** A `test` found another value. */
  readonly isFailedTest: boolean

  constructor(why: string, { cause, isFailedTest = false }: { cause?: unknown; isFailedTest?: boolean } = {}) {
    super('Invalid', `the server rejected our request due to an error in our request: ${why}`, { cause })
    this.why = why
    this.isFailedTest = isFailedTest
  }
}
