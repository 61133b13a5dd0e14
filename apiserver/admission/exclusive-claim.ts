import type { AdmissionRequest, AdmissionRule } from './admission.ts'

/** A rule about what only one object may have. */
export interface ExclusiveClaim<T> {
  readonly name: string
  /** The object of a write that claims something new; undefined for all others. */
  wanted(request: AdmissionRequest): T | undefined
  /** @throws StatusError when somebody else has it, or is about to */
  check(wanted: T, request: AdmissionRequest): void
  /** Keeps it from all writes that come after, until the answer is called. */
  take(wanted: T, request: AdmissionRequest): () => void
}

/**
 * Looks twice: with the other validation, when every acknowledged write is known, so that a dry run and most mistakes are answered there; and again
 * right before the write, for what others took in between.
 */
export function exclusiveClaim<T>({ name, wanted, check, take }: ExclusiveClaim<T>): AdmissionRule {
  return {
    name,
    validate(request) {
      const next = wanted(request)
      if (next !== undefined) return decide(next, request)
    },
    reserve(request) {
      const next = wanted(request)
      if (next === undefined) return undefined
      check(next, request)
      return take(next, request)
    },
  }

  async function decide(next: T, request: AdmissionRequest): Promise<void> {
    const { reader } = request.context
    await reader.caughtUp()
    try {
      check(next, request)
    } catch (error) {
      // What was in the way may be gone at another server.
      if (!(await reader.upToDate())) throw error
      check(next, request)
    }
  }
}
