import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { factsOf, put, restampText } from '../../test/contract/storage-driver.ts'
import { Compactor, planHorizons, type RetentionPolicy } from './compaction.ts'
import { createMemoryStorage } from './memory-storage.ts'
import type { Mark, Storage } from './storage.ts'

const MINUTE = 60_000
const policy: RetentionPolicy = { clientWindow: 5 * MINUTE, historyWindow: 60 * MINUTE, historyBytes: 1_000 }

/** Marks of one revision each ten minutes, 10 bytes each. */
const everyTenMinutes = (count: number): Mark[] =>
  Array.from({ length: count }, (_, n) => ({ revision: n + 1, time: n * 10 * MINUTE, bytes: n * 10 }))

describe('planHorizons', () => {
  const cases: { name: string; marks: Mark[]; now: number; expected: [client: number, log: number] }[] = [
    { name: 'forgets nothing of an empty log', marks: [], now: 0, expected: [0, 0] },
    { name: 'forgets nothing that is younger than the window', marks: everyTenMinutes(1), now: 5 * MINUTE - 1, expected: [0, 0] },
    { name: 'expires for clients what is as old as their window', marks: everyTenMinutes(2), now: 15 * MINUTE, expected: [2, 0] },
    { name: 'keeps for clients what was the present within the window', marks: everyTenMinutes(3), now: 24 * MINUTE, expected: [2, 0] },
    { name: 'forgets the log when its longer window is over', marks: everyTenMinutes(10), now: 95 * MINUTE, expected: [10, 4] },
    {
      name: 'forgets by size, for clients too, when much is written in little time',
      marks: [1, 2, 3, 4].map((revision) => ({ revision, time: revision, bytes: revision * 600 })),
      now: 5,
      expected: [2, 2],
    },
    {
      name: 'is not confused by a clock that went back',
      marks: [
        { revision: 1, time: 50 * MINUTE, bytes: 0 },
        { revision: 2, time: 1 * MINUTE, bytes: 1 },
        { revision: 3, time: 2 * MINUTE, bytes: 2 },
      ],
      now: 6 * MINUTE,
      expected: [2, 0],
    },
  ]
  for (const { name, marks, now, expected } of cases) {
    it(name, () => {
      const { client, log } = planHorizons(marks, now, policy)
      assert.deepEqual([client, log], expected)
    })
  }
})

describe('Compactor', () => {
  /** A store and a compactor on one hand-moved clock. */
  function setUp(used: RetentionPolicy = policy): {
    storage: Storage<string>
    compactor: Compactor
    move: (milliseconds: number) => void
    clock: Clock
  } {
    let now = 0
    const clock: Clock = { ...realClock(), now: () => now }
    const storage = createMemoryStorage<string>({ facts: factsOf, restamp: restampText, clock })
    const compactor = new Compactor({ storage, clock, logger: silentLogger(), policy: used, interval: 1 })
    return { storage, compactor, clock, move: (milliseconds) => void (now += milliseconds) }
  }

  it('expires revisions for clients first and forgets them later', async () => {
    const { storage, compactor, move } = setUp()
    for (let minute = 0; minute < 90; minute++) {
      await put(storage, 'core/nodes/n', 'x')
      await compactor.look()
      move(MINUTE)
    }
    // At the last look it was minute 89: the present of minute 84 is revision 85, that of minute 29 is 30.
    assert.deepEqual([storage.revision, compactor.clientHorizon, storage.compacted], [90, 85, 30])
    await storage.close()
  })

  it('keeps the size within its bound', async () => {
    const { storage, compactor, move } = setUp({ ...policy, historyBytes: 500 })
    for (let n = 0; n < 200; n++) {
      await put(storage, 'core/nodes/n', 'x'.repeat(96))
      await compactor.look()
      move(1)
    }
    const [oldest, newest] = [await storage.mark(storage.compacted + 1), await storage.mark(storage.revision)]
    assert.ok(oldest && newest)
    assert.ok(newest.bytes - oldest.bytes <= 500 && newest.bytes - oldest.bytes > 200)
    assert.equal(compactor.clientHorizon, storage.compacted)
    await storage.close()
  })

  it('finds its place in a log that was there before', async () => {
    const { storage, move, clock } = setUp()
    for (let minute = 0; minute < 300; minute++) {
      await put(storage, 'core/nodes/n', '')
      move(MINUTE)
    }
    const compactor = new Compactor({ storage, clock, logger: silentLogger(), policy: { ...policy, historyBytes: 1e9 } })
    await compactor.look()
    // Exact places are 240 and 295; a mark is taken of every fifth revision.
    assert.ok(storage.compacted > 235 && storage.compacted <= 241, `${storage.compacted}`)
    assert.ok(compactor.clientHorizon > 290 && compactor.clientHorizon <= 296, `${compactor.clientHorizon}`)
    await storage.close()
  })

  it('never takes an expiry back', async () => {
    const { storage, compactor, move } = setUp()
    await put(storage, 'core/nodes/n', 'x')
    move(10 * MINUTE)
    await compactor.look()
    assert.equal(compactor.clientHorizon, 1)
    move(-10 * MINUTE)
    await compactor.look()
    assert.equal(compactor.clientHorizon, 1)
    await storage.close()
  })

  it('runs until it is told to stop, and survives a look that fails', async () => {
    const { storage, clock } = setUp()
    const failing: Storage<string> = Object.create(storage, {
      compacted: {
        get() {
          throw new Error('cannot look')
        },
      },
    })
    const third = Promise.withResolvers<void>()
    let warnings = 0
    const warn = (_message: string, fields?: Record<string, unknown>) => {
      assert.equal(fields?.['error'], 'Error: cannot look')
      if (++warnings === 3) third.resolve()
    }
    const stop = new AbortController()
    const running = new Compactor({ storage: failing, clock, logger: { ...silentLogger(), warn }, interval: 1 }).run(stop.signal)
    await third.promise
    stop.abort()
    await running
    await storage.close()
  })
})
