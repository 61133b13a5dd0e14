/** Lines of a text that comes in pieces; a last one without an end counts. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest: string[] = []
  for await (const piece of pieces) {
    const lines = piece.split('\n')
    rest.push(lines[0]!)
    if (lines.length === 1) continue
    yield* [rest.join(''), ...lines.slice(1, -1)].filter((line) => line !== '')
    rest = [lines.at(-1)!]
  }
  const last = rest.join('')
  if (last !== '') yield last
}
