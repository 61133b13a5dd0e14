/**
 * All bytes of an answer. @throws Error when there are more than `limit`; what the signal was aborted with
 */
export async function collectAnswer(answer: AsyncIterable<Uint8Array>, limit: number, signal: AbortSignal): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const part of answer) {
      size += part.length
      // Leaving the loop closes the connection: the rest is not read.
      if (size > limit) throw new Error(`the answer has more than ${limit} bytes`)
      parts.push(part)
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw error
  }
  return Buffer.concat(parts, size)
}
