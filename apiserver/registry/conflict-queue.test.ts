import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../storage/storage.ts'
import { ConflictQueue } from './conflict-queue.ts'

/** A store of one key whose newest write is or is not durable, as the test says. */
class OneKey {
  durable = 1
  pending: number | undefined
  #settle: (() => void)[] = []

  #entry(revision: number): Entry<unknown> {
    return { key: 'k', value: Buffer.alloc(0), revision, createRevision: 1, facts: undefined }
  }

  readonly #entries = new Map<number, Entry<unknown>>()

  #of(revision: number): Entry<unknown> {
    const known = this.#entries.get(revision) ?? this.#entry(revision)
    this.#entries.set(revision, known)
    return known
  }

  get(): Entry<unknown> {
    return this.#of(this.durable)
  }

  newest(): Entry<unknown> {
    return this.#of(this.pending ?? this.durable)
  }

  settled(): Promise<void> {
    return this.pending === undefined ? Promise.resolve() : new Promise((resolve) => this.#settle.push(resolve))
  }

  write(): void {
    this.pending = this.durable + 1
  }

  commit(): void {
    this.durable = this.pending!
    this.pending = undefined
    for (const resolve of this.#settle.splice(0)) resolve()
  }
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

test('nobody is told before the write in front is durable, and the first at once when it is', async () => {
  const store = new OneKey()
  const queue = new ConflictQueue(store)
  store.write()
  let told = 0
  const wait = queue.wait('k').then(() => told++)
  await turns(100)
  assert.equal(told, 0)
  store.commit()
  await wait
  assert.equal(told, 1)
})

test('losers are told one by one, the next with the next write', async () => {
  const store = new OneKey()
  const queue = new ConflictQueue(store)
  store.write()
  const told: number[] = []
  const waits = [1, 2, 3].map((loser) => queue.wait('k').then(() => told.push(loser)))
  store.commit()
  await waits[0]
  store.write()
  await turns(200)
  assert.deepEqual(told, [1], 'the second waits for the write that the first (or another) made')
  store.commit()
  await waits[1]
  assert.deepEqual(told, [1, 2])
  await waits[2]
  assert.deepEqual(told, [1, 2, 3], 'without another write the third waits only a moment')
})

test('a line that has been told is forgotten, and a new one begins', async () => {
  const store = new OneKey()
  const queue = new ConflictQueue(store)
  await queue.wait('k')
  store.write()
  const wait = queue.wait('k')
  store.commit()
  await wait
})

test('lines of different objects do not wait for each other', async () => {
  const store = new OneKey()
  const queue = new ConflictQueue({
    get: () => store.get(),
    newest: () => store.newest(),
    settled: (key) => (key === 'k' ? store.settled() : Promise.resolve()),
  })
  store.write()
  let isTold = false
  const slow = queue.wait('k').then(() => (isTold = true))
  await queue.wait('other')
  assert.equal(isTold, false)
  store.commit()
  await slow
})
