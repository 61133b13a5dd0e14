/** Takes back something that was taken for a write (a charge to a quota). Does not throw. */
export type Undo = () => Promise<void>

/** Runs a write. What was taken for it on the way is taken back, last first, when it fails. */
export async function withUndo<T>(write: (onFailure: (undo: Undo) => void) => Promise<T>): Promise<T> {
  const taken: Undo[] = []
  try {
    return await write((undo) => taken.push(undo))
  } catch (error) {
    for (const undo of taken.reverse()) await undo()
    throw error
  }
}
