import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Storage, StorageConflict } from '../../apiserver/storage/storage.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { Collector, put, remove, revisionsBetween, type StorageDriver, type TestStore, TINY_RECENT, withStore } from './storage-driver.ts'

const SEEDS = [1, 2, 3, 4, 5, 6]
const STEPS = 120
const KEYS = Array.from({ length: 12 }, (_, n) => `core/pods/${'abc'[n % 3]}/p${n}`)

interface ModelChange {
  readonly revision: number
  readonly type: 'put' | 'delete'
  readonly key: string
  readonly text: string
}

/** The contract in the plainest words: a list of changes, replayed for every question. */
class Model {
  readonly changes: ModelChange[] = []
  compacted = 0

  get revision(): number {
    return this.changes.length
  }

  at(revision: number): Map<string, ModelChange> {
    const state = new Map<string, ModelChange>()
    for (const change of this.changes.slice(0, revision)) {
      if (change.type === 'put') state.set(change.key, change)
      else state.delete(change.key)
    }
    return state
  }

  /** Whether the write takes effect; if so, it has. */
  write(type: 'put' | 'delete', key: string, text: string, expect: number | undefined): boolean {
    const current = this.at(this.revision).get(key)
    if (type === 'delete' && current === undefined) return false
    if (expect !== undefined && expect !== (current?.revision ?? 0)) return false
    const revision = this.revision + 1
    const said = type === 'put' ? text : current?.text.split('@')[0]
    this.changes.push({ revision, type, key, text: `${said}@${revision}` })
    return true
  }

  page(revision: number, prefix: string, after: string): { key: string; text: string }[] {
    const found = [...this.at(revision).values()].filter(({ key }) => key.startsWith(prefix) && key > after)
    return found.map(({ key, text }) => ({ key, text })).sort((a, b) => (a.key < b.key ? -1 : 1))
  }
}

/** Random histories against the model: what no one thought of testing by hand. The seed is in the name. */
export function storageModelSuite(driver: StorageDriver): void {
  describe(`${driver.name}: random histories`, () => {
    for (const seed of SEEDS.slice(0, Math.ceil(SEEDS.length * (driver.share ?? 1)))) {
      const recent = seed % 2 === 0 ? TINY_RECENT : undefined
      it(`agrees with the model, seed ${seed}`, () =>
        withStore(driver, { recent }, (store) => new History(driver, store, seededRandom(seed)).run()))
    }
  })
}

class History {
  readonly #driver: StorageDriver
  readonly #store: TestStore
  readonly #random: Random
  readonly #model = new Model()
  #storage: Storage<string>
  #collectors: { from: number; collector: Collector }[] = []

  constructor(driver: StorageDriver, store: TestStore, random: Random) {
    this.#driver = driver
    this.#store = store
    this.#storage = store.storage
    this.#random = random
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      await this.#burst()
      if (this.#chance(0.2)) this.#follow()
      await this.#checkPast()
      if (this.#chance(0.05)) await this.#compact()
      if (this.#chance(0.03) && this.#driver.durable) await this.#restart()
    }
    await this.#checkCollectors()
    this.#checkPresent()
    assert.ok(this.#model.revision > STEPS, 'the history is long enough to mean something')
  }

  /** Several writes, where their order is known in one turn of the loop: the model knows at once what each will come to. */
  async #burst(): Promise<void> {
    const write = async (index: number) => {
      const type = this.#chance(0.3) ? 'delete' : 'put'
      const key = KEYS[this.#below(KEYS.length)]!
      const newest = this.#model.at(this.#model.revision).get(key)?.revision ?? 0
      const expect = [undefined, newest, newest, this.#below(this.#model.revision + 2)][this.#below(4)]
      const durability = this.#chance(0.5) ? 'synced' : 'relaxed'
      const succeeds = this.#model.write(type, key, `b${index}`, expect)
      const revision = this.#model.revision
      const done =
        type === 'put' ? put(this.#storage, key, `b${index}`, { expect, durability }) : remove(this.#storage, key, { expect, durability })
      if (succeeds) assert.equal((await done).revision, revision)
      else await assert.rejects(done, StorageConflict)
    }
    const indexes = Array.from({ length: 1 + this.#below(8) }, (_, index) => index)
    if (this.#driver.numbersAhead) await Promise.all(indexes.map(write))
    else for (const index of indexes) await write(index)
    assert.equal(this.#storage.revision, this.#model.revision)
  }

  async #checkPast(): Promise<void> {
    const revision = this.#model.compacted + this.#below(this.#model.revision - this.#model.compacted + 1)
    const prefix = ['core/pods/', 'core/pods/a/', 'core/pods/b/', ''][this.#below(4)]!
    const after = this.#chance(0.5) ? '' : KEYS[this.#below(KEYS.length)]!
    const limit = this.#below(6)
    const expected = this.#model.page(revision, prefix, after)
    const most = limit === 0 ? expected.length : limit
    const page = await this.#storage.pageAt(prefix, revision, { after, limit })
    const entries = page.entries.map(({ key, value }) => ({ key, text: value.toString() }))
    assert.deepEqual(entries, expected.slice(0, most), `${prefix} after ${after} at ${revision}`)
    assert.deepEqual([page.remaining, page.more], [Math.max(0, expected.length - most), expected.length > most])
    const key = KEYS[this.#below(KEYS.length)]!
    assert.equal((await this.#storage.getAt(key, revision))?.value.toString(), this.#model.at(revision).get(key)?.text)
  }

  #checkPresent(): void {
    const expected = this.#model.page(this.#model.revision, '', '')
    const entries = [...this.#storage.entries('')].map(({ key, value }) => ({ key, text: value.toString() }))
    assert.deepEqual(entries, expected)
  }

  #follow(): void {
    const from = this.#model.compacted + this.#below(this.#model.revision - this.#model.compacted + 1)
    this.#collectors.push({ from, collector: new Collector(this.#storage, from) })
  }

  async #checkCollectors(): Promise<void> {
    for (const { from, collector } of this.#collectors) {
      if (from === this.#model.revision) continue
      await collector.reached(this.#model.revision)
      assert.deepEqual(collector.revisions, revisionsBetween(from, this.#model.revision))
      const seen = collector.changes.map(({ revision, type, key, entry }) => ({ revision, type, key, text: entry.value.toString() }))
      assert.deepEqual(seen, this.#model.changes.slice(from))
      for (const change of collector.changes) {
        assert.equal(change.previous?.value.toString(), this.#model.at(change.revision - 1).get(change.key)?.text)
      }
    }
  }

  /** Collectors are checked first: one that is still reading what gets forgotten would end, rightly. */
  async #compact(): Promise<void> {
    await this.#checkCollectors()
    const revision = this.#model.compacted + this.#below(this.#model.revision - this.#model.compacted + 1)
    await this.#storage.compact(revision)
    this.#model.compacted = revision
  }

  async #restart(): Promise<void> {
    await this.#checkCollectors()
    this.#collectors = []
    this.#storage = await this.#store.reopen()
    assert.deepEqual([this.#storage.revision, this.#storage.compacted], [this.#model.revision, this.#model.compacted])
    this.#checkPresent()
  }

  #chance(probability: number): boolean {
    return this.#random.fraction() < probability
  }

  #below(limit: number): number {
    return Math.floor(this.#random.fraction() * limit)
  }
}
