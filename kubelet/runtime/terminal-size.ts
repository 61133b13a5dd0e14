export interface TerminalSize {
  width: number
  height: number
}

/** Sets a terminal's sizes as they come, until the session has ended. Never rejects. */
export async function followSizes(
  sizes: AsyncIterable<TerminalSize>,
  resizeTo: (size: TerminalSize) => Promise<void>,
  ended: AbortSignal,
): Promise<void> {
  try {
    for await (const size of sizes) {
      if (ended.aborted) return
      await resizeTo(size)
    }
  } catch {
    // The terminal's side ended mid-way: there is nobody left to resize for.
  }
}
