import { inputLimits } from '../limits/input-limits.ts'

const MORE = '…'

/** A value as JSON for a sentence: the beginning of a long one, found without writing the rest. */
export function quoted(value: unknown): string {
  const writer = new BoundedWriter(inputLimits.quotedCharacters)
  writer.write(value)
  return writer.text
}

/** A text that may go into an answer or a log: as it is, or its beginning. */
export function shortened(text: string, limit: number = inputLimits.quotedCharacters): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}${MORE}`
}

/** Writes JSON until there is enough of it. */
class BoundedWriter {
  text = ''
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get #isFull(): boolean {
    return this.text.length > this.#limit
  }

  write(value: unknown): void {
    if (this.#isFull) return
    if (typeof value === 'string') this.text += JSON.stringify(shortened(value, this.#limit))
    else if (Array.isArray(value)) this.#writeParts('[', value, (item) => this.write(item), ']')
    else if (typeof value === 'object' && value !== null) this.#writeObject(value)
    else this.text += typeof value === 'bigint' ? value.toString() : (JSON.stringify(value) ?? 'null')
  }

  #writeObject(object: object): void {
    const keys = Object.keys(object).filter((key) => Reflect.get(object, key) !== undefined)
    this.#writeParts(
      '{',
      keys,
      (key) => {
        this.text += `${JSON.stringify(shortened(key, this.#limit))}:`
        this.write(Reflect.get(object, key))
      },
      '}',
    )
  }

  #writeParts<T>(open: string, parts: readonly T[], write: (part: T) => void, close: string): void {
    this.text += open
    for (const [index, part] of parts.entries()) {
      if (this.#isFull) {
        this.text += MORE
        break
      }
      if (index > 0) this.text += ','
      write(part)
    }
    this.text += close
  }
}
