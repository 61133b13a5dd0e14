/**
 * What one attempt of a probe found. `warning`: well, with something to say. `unknown`: it could not be carried out, which says nothing about
 * the container.
 */
export interface ProbeOutcome {
  result: 'success' | 'warning' | 'failure' | 'unknown'
  /** For people; of a success mostly empty. */
  message: string
}

export const success = (message = ''): ProbeOutcome => ({ result: 'success', message })
export const warning = (message: string): ProbeOutcome => ({ result: 'warning', message })
export const failure = (message: string): ProbeOutcome => ({ result: 'failure', message })

/** Longest output of a probe that is read and shown. */
export const MOST_OUTPUT = 10 * 1024

/** How the node introduces itself to what it probes. */
export const PROBE_USER_AGENT = 'kube-probe/1.36'
/** And to the hooks of containers. */
export const HOOK_USER_AGENT = 'kube-lifecycle/1.36'

/** The sentence for an attempt that ended in an error; a timeout is told as such. */
export function failureOf(error: unknown, what: string, signal: AbortSignal): ProbeOutcome {
  if (signal.aborted) return failure(`${what}: context deadline exceeded`)
  return failure(`${what}: ${error instanceof Error ? error.message || errorCode(error) : String(error)}`)
}

/** Errors of several addresses tried have no message of their own. */
function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
