/** Values of a metric's labels, by label name. */
export type Labels = Record<string, string>

/** Only goes up. */
export interface Counter {
  add(amount?: number, labels?: Labels): void
}

/** Goes up and down. */
export interface Gauge {
  set(value: number, labels?: Labels): void
  add(amount: number, labels?: Labels): void
}

/** Counts observations into buckets of upper bounds. */
export interface Histogram {
  observe(value: number, labels?: Labels): void
}

interface Family {
  type: 'counter' | 'gauge' | 'histogram'
  help: string
  lines(name: string): Iterable<string>
}

/** Upper bounds in seconds that suit most durations here. */
export const durationBuckets: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** What a process counts; `render` is the text exposition format that Prometheus reads. Asking for a name twice gives the same metric. */
export class Metrics {
  readonly #families = new Map<string, Family & { handle: Counter | Gauge | Histogram | undefined }>()

  counter(name: string, help: string): Counter {
    return this.#once(name, 'counter', help, () => numbers()) as Counter
  }

  gauge(name: string, help: string): Gauge {
    return this.#once(name, 'gauge', help, () => numbers()) as Gauge
  }

  /** A gauge that is asked for its value when somebody reads: queue depths, cache sizes. */
  gaugeFrom(name: string, help: string, read: () => number | Iterable<[Labels, number]>): void {
    this.#from('gauge', name, help, read)
  }

  /** A counter that is kept elsewhere, and asked for when somebody reads. */
  counterFrom(name: string, help: string, read: () => number | Iterable<[Labels, number]>): void {
    this.#from('counter', name, help, read)
  }

  #from(type: 'gauge' | 'counter', name: string, help: string, read: () => number | Iterable<[Labels, number]>): void {
    const lines = function* (full: string): Iterable<string> {
      const value = read()
      if (typeof value === 'number') yield `${full} ${value}`
      else for (const [labels, one] of value) yield `${full}${labelText(labels)} ${one}`
    }
    this.#families.set(name, { type, help, lines, handle: undefined })
  }

  histogram(name: string, help: string, bounds: readonly number[] = durationBuckets): Histogram {
    return this.#once(name, 'histogram', help, () => buckets(bounds)) as Histogram
  }

  render(): string {
    let text = ''
    for (const [name, family] of this.#families) {
      text += `# HELP ${name} ${family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${family.type}\n`
      for (const line of family.lines(name)) text += `${line}\n`
    }
    return text
  }

  #once(name: string, type: Family['type'], help: string, make: () => (Counter | Gauge | Histogram) & Pick<Family, 'lines'>) {
    const known = this.#families.get(name)
    if (known?.handle) {
      if (known.type !== type) throw new Error(`metric ${name} is already a ${known.type}`)
      return known.handle
    }
    const handle = make()
    this.#families.set(name, { type, help, lines: (full) => handle.lines(full), handle })
    return handle
  }
}

function numbers() {
  const values = new Map<string, number>()
  const add = (amount = 1, labels?: Labels) => {
    const key = labelText(labels)
    values.set(key, (values.get(key) ?? 0) + amount)
  }
  return {
    add,
    set: (value: number, labels?: Labels) => void values.set(labelText(labels), value),
    *lines(name: string) {
      for (const [key, value] of values) yield `${name}${key} ${value}`
    },
  }
}

function buckets(bounds: readonly number[]) {
  const series = new Map<string, { labels: Labels | undefined; counts: number[]; sum: number; count: number }>()
  return {
    observe(value: number, labels?: Labels) {
      const key = labelText(labels)
      let one = series.get(key)
      if (!one) series.set(key, (one = { labels, counts: bounds.map(() => 0), sum: 0, count: 0 }))
      const bucket = bounds.findIndex((bound) => value <= bound)
      if (bucket >= 0) one.counts[bucket]!++
      one.sum += value
      one.count++
    },
    *lines(name: string) {
      for (const { labels, counts, sum, count } of series.values()) {
        let below = 0
        for (const [index, bound] of bounds.entries()) {
          below += counts[index]!
          yield `${name}_bucket${labelText({ ...labels, le: String(bound) })} ${below}`
        }
        yield `${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}`
        yield `${name}_sum${labelText(labels)} ${sum}`
        yield `${name}_count${labelText(labels)} ${count}`
      }
    },
  }
}

/** Callers in a hurry pass the same labels object every time. */
const labelTexts = new WeakMap<Labels, string>()

/** `{a="b"}`, or nothing without labels. */
export function labelText(labels: Labels | undefined): string {
  if (!labels) return ''
  const known = labelTexts.get(labels)
  if (known !== undefined) return known
  const text = textOf(labels)
  labelTexts.set(labels, text)
  return text
}

function textOf(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return parts.length > 0 ? `{${parts.join(',')}}` : ''
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
