import type { Mark } from '../storage.ts'

/** Marks that are kept; older ones are forgotten. The compactor takes one every half minute and remembers them itself. */
const MOST = 20_000

/** When changes came, and how many bytes of values had come till then: what etcd does not know. */
export class EtcdMarks {
  #marks: Mark[] = []
  #bytes = 0

  add(revision: number, time: number, bytes: number): void {
    this.#bytes += bytes
    this.#marks.push({ revision, time, bytes: this.#bytes })
    if (this.#marks.length >= MOST) this.#marks = this.#marks.slice(MOST / 2)
  }

  find(revision: number): Mark | undefined {
    const found = this.#marks[this.#first((mark) => mark.revision >= revision)]
    return found?.revision === revision ? found : undefined
  }

  /** The last one after the revision that is not later than the time. */
  at(time: number, after: number): Mark | undefined {
    const found = this.#marks[this.#first((mark) => mark.time > time) - 1]
    return found !== undefined && found.revision > after ? found : undefined
  }

  firstAfter(revision: number): Mark | undefined {
    return this.#marks[this.#first((mark) => mark.revision > revision)]
  }

  /** The place of the first one that holds, where all after it do too. */
  #first(holds: (mark: Mark) => boolean): number {
    let low = 0
    let high = this.#marks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (holds(this.#marks[middle]!)) high = middle
      else low = middle + 1
    }
    return low
  }
}
