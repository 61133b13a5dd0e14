/** Says that the machine is about to go down, and makes it wait. */
export interface ShutdownSource {
  /**
   * Follows the machine until the signal aborts, and then resolves. Rejects when it cannot be followed (any more).
   * @param onShutdown the machine goes down; it waits, as long as this source can make it, until what is returned resolves
   * @param onCancel it does not after all
   */
  follow(onShutdown: () => Promise<void>, onCancel: () => void, signal: AbortSignal): Promise<void>
}
