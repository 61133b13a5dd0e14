/** A line of a comparison. */
export interface DiffLine {
  readonly sign: ' ' | '+' | '-'
  readonly text: string
}

/** Beyond this many pairs of lines that differ, all old ones are shown as gone and all new ones as come: the exact answer would take too long. */
const MOST_PAIRS = 4_000_000

/** The lines of two texts, with what went and what came. What both begin and end with costs nothing. */
export function diffOf(before: string, after: string): readonly DiffLine[] {
  const [old, fresh] = [before.split('\n'), after.split('\n')]
  let start = 0
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++
  let end = 0
  while (end < old.length - start && end < fresh.length - start && old.at(-1 - end) === fresh.at(-1 - end)) end++
  const same = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ sign: ' ', text }))
  const middle = middleOf(old.slice(start, old.length - end), fresh.slice(start, fresh.length - end))
  return [...same(old.slice(0, start)), ...middle, ...same(old.slice(old.length - end))]
}

/** By the longest common subsequence. */
function middleOf(old: readonly string[], fresh: readonly string[]): DiffLine[] {
  const gone = (text: string): DiffLine => ({ sign: '-', text })
  const come = (text: string): DiffLine => ({ sign: '+', text })
  const width = fresh.length + 1
  if (old.length * fresh.length > MOST_PAIRS) return [...old.map(gone), ...fresh.map(come)]
  const common = new Uint32Array((old.length + 1) * width)
  for (let a = old.length - 1; a >= 0; a--) {
    for (let b = fresh.length - 1; b >= 0; b--) {
      const below = common[(a + 1) * width + b]!
      const right = common[a * width + b + 1]!
      common[a * width + b] = old[a] === fresh[b] ? common[(a + 1) * width + b + 1]! + 1 : Math.max(below, right)
    }
  }
  const lines: DiffLine[] = []
  let [a, b] = [0, 0]
  while (a < old.length && b < fresh.length) {
    if (old[a] === fresh[b]) {
      lines.push({ sign: ' ', text: old[a++]! })
      b++
    } else if (common[(a + 1) * width + b]! >= common[a * width + b + 1]!) lines.push(gone(old[a++]!))
    else lines.push(come(fresh[b++]!))
  }
  return [...lines, ...old.slice(a).map(gone), ...fresh.slice(b).map(come)]
}

/** The changes with three lines around them; '…' stands for what is left out. */
export function changesOf(lines: readonly DiffLine[], around = 3): readonly (DiffLine | '…')[] {
  const shown = new Set<number>()
  for (const [index, { sign }] of lines.entries()) {
    if (sign !== ' ') for (let at = index - around; at <= index + around; at++) shown.add(at)
  }
  const parts: (DiffLine | '…')[] = []
  for (const [index, line] of lines.entries()) {
    if (shown.has(index)) parts.push(line)
    else if (parts.at(-1) !== '…') parts.push('…')
  }
  return parts
}
