import type { Random } from '../../shared/random/random.ts'

/**
 * Numbers 0 … size−1, each given once. Those below `reserved` are given to who asks for none in particular only when no
 * others are left, so that people can pick low ones themselves without running into given ones (upstream's static band).
 */
export class NumberPool {
  readonly #size: number
  readonly #reserved: number
  readonly #taken = new Set<number>()

  constructor(size: number, reserved: number) {
    this.#size = size
    this.#reserved = Math.min(reserved, size)
  }

  get free(): number {
    return this.#size - this.#taken.size
  }

  isTaken(number: number): boolean {
    return this.#taken.has(number)
  }

  /** Marks as taken; idempotent. */
  mark(number: number): void {
    if (number >= 0 && number < this.#size) this.#taken.add(number)
  }

  release(number: number): void {
    this.#taken.delete(number)
  }

  /** A free number that `isFree` accepts too, by chance; undefined when there is none. Does not mark it. */
  pick(random: Random, isFree: (number: number) => boolean = () => true): number | undefined {
    return this.#pickIn(this.#reserved, this.#size, random, isFree) ?? this.#pickIn(0, this.#reserved, random, isFree)
  }

  /** Starts anywhere and goes round, so that a nearly full range costs one pass and not many guesses. */
  #pickIn(first: number, end: number, random: Random, isFree: (number: number) => boolean): number | undefined {
    const count = end - first
    const start = Math.floor(random.fraction() * count)
    for (let step = 0; step < count; step++) {
      const number = first + ((start + step) % count)
      if (!this.#taken.has(number) && isFree(number)) return number
    }
    return undefined
  }
}
