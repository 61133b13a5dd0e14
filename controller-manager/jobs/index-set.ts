type Interval = readonly [first: number, last: number]

/** Completion indexes, kept as intervals: a job may have a hundred thousand of them. Never changed, only made anew. */
export class IndexSet {
  static readonly none = new IndexSet([])
  readonly #intervals: readonly Interval[]

  private constructor(intervals: readonly Interval[]) {
    this.#intervals = intervals
  }

  static of(indexes: Iterable<number>): IndexSet {
    return new IndexSet(joined([...new Set(indexes)].map((index) => [index, index] as const)))
  }

  /** Reads `0,3-5,9` up to the limit; what cannot be read is left out, as upstream does with a status that somebody spoiled. */
  static parse(text: string, limit: number): IndexSet {
    const intervals: Interval[] = []
    for (const part of text === '' ? [] : text.split(',')) {
      const [, first, last = first] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part) ?? []
      if (first === undefined || Number(first) >= limit || Number(last) < Number(first)) continue
      intervals.push([Number(first), Math.min(Number(last), limit - 1)])
    }
    return new IndexSet(joined(intervals))
  }

  get size(): number {
    return this.#intervals.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  }

  has(index: number): boolean {
    let low = 0
    let high = this.#intervals.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#intervals[middle]?.[1] ?? 0) >= index) high = middle
      else low = middle + 1
    }
    return (this.#intervals[low]?.[0] ?? Number.POSITIVE_INFINITY) <= index
  }

  with(other: IndexSet): IndexSet {
    return new IndexSet(joined([...this.#intervals, ...other.#intervals]))
  }

  /** How many indexes are in both. */
  overlap(other: IndexSet): number {
    let count = 0
    for (let a = 0, b = 0; ; ) {
      const one = this.#intervals[a]
      const two = other.#intervals[b]
      if (!one || !two) return count
      count += Math.max(0, Math.min(one[1], two[1]) - Math.max(one[0], two[0]) + 1)
      if (one[1] <= two[1]) a++
      else b++
    }
  }

  /** The first `count` indexes below the limit that are not in it; takes time for intervals and answer, not for the limit. */
  missing(count: number, limit: number): number[] {
    const found: number[] = []
    let candidate = 0
    for (const [first, last] of [...this.#intervals, [limit, limit] as const]) {
      for (; candidate < Math.min(first, limit) && found.length < count; candidate++) found.push(candidate)
      candidate = Math.max(candidate, last + 1)
    }
    return found
  }

  /** As it stands in the status: `0,3-5,9`; two neighbours are written one by one, as upstream does. */
  toString(): string {
    return this.#intervals
      .map(([first, last]) => (first === last ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`))
      .join(',')
  }
}

function joined(intervals: readonly Interval[]): Interval[] {
  const result: [number, number][] = []
  for (const [first, last] of [...intervals].sort((left, right) => left[0] - right[0])) {
    const previous = result.at(-1)
    if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last)
    else result.push([first, last])
  }
  return result
}
