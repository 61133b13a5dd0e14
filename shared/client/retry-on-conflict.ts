import { hasReason } from '../errors/status-error.ts'

/**
 * Runs read-change-write again when somebody else was faster. `attempt` must read the object anew each time:
 * repeating an old change would overwrite the other's.
 * @throws StatusError Conflict when `attempts` were lost
 */
export async function retryOnConflict<T>(attempt: () => Promise<T>, attempts = 5): Promise<T> {
  for (let left = attempts - 1; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left <= 0 || !hasReason(error, 'Conflict')) throw error
    }
  }
}
