/** What is wrong with a list of completion indexes; the caller names the field. */
export class IndexListError extends Error {
  override readonly name = 'IndexListError'
}

/** Both ends are in it. */
export type IndexInterval = readonly [first: number, last: number]

/** Reads `0,3-5,9`: growing, and all below `completions`. @throws IndexListError in upstream's words */
export function parseIndexList(text: string, completions: number): IndexInterval[] {
  if (text === '') return []
  const intervals: IndexInterval[] = []
  for (const part of text.split(',')) {
    const interval = parseInterval(part, completions)
    const previous = intervals.at(-1)?.[1]
    if (previous !== undefined && previous >= interval[0]) {
      throw new IndexListError(`non-increasing order, previous: ${previous}, current: ${interval[0]}`)
    }
    intervals.push(interval)
  }
  return intervals
}

/** How many indexes there are in it. */
export function countIndexes(intervals: readonly IndexInterval[]): number {
  return intervals.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

/** The first index that is in both, if any. */
export function firstCommonIndex(left: readonly IndexInterval[], right: readonly IndexInterval[]): number | undefined {
  for (let a = 0, b = 0; ; ) {
    const one = left[a]
    const other = right[b]
    if (!one || !other) return undefined
    if (one[0] <= other[1] && other[0] <= one[1]) return Math.max(one[0], other[0])
    if (one[0] <= other[0]) a++
    else b++
  }
}

function parseInterval(part: string, completions: number): IndexInterval {
  const [low = '', high, ...more] = part.split('-')
  if (more.length > 0) {
    const rule = "violates the requirement that an index interval can have at most two parts separated by '-'"
    throw new IndexListError(`the fragment ${JSON.stringify(part)} ${rule}`)
  }
  const first = parseIndex(low, completions)
  if (high === undefined) return [first, first]
  const last = parseIndex(high, completions)
  if (first >= last) throw new IndexListError(`non-increasing order, previous: ${first}, current: ${last}`)
  return [first, last]
}

function parseIndex(text: string, completions: number): number {
  if (!/^\+?[0-9]{1,15}$/.test(text)) throw new IndexListError(`cannot convert string to integer for index: ${JSON.stringify(text)}`)
  const index = Number(text)
  if (index >= completions) throw new IndexListError(`too large index: ${JSON.stringify(text)}`)
  return index
}
