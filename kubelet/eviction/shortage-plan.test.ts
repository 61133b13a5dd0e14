import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { memoryOfPods } from './pods-memory.ts'
import { lookForShortages, NOTHING_SHORT } from './shortage-plan.ts'
import { type Amount, observationsOf, type Signal } from './signals.ts'
import { alsoOfPods, type ThresholdTexts, thresholdsOf } from './thresholds.ts'

const MI = 2 ** 20
const texts = (some: Partial<ThresholdTexts>): ThresholdTexts => ({
  ...{ evictionHard: [], evictionSoft: [], evictionSoftGracePeriod: [], evictionMinimumReclaim: [] },
  ...some,
})
const seen = (amounts: Partial<Record<Signal, number>>) =>
  new Map(Object.entries(amounts).map(([signal, available]): [Signal, Amount] => [signal as Signal, { available, capacity: 1000 * MI }]))

/** Looks again and again; each line is when, what is there, what the node says, and what pods must go for. */
function story(some: Partial<ThresholdTexts>, lines: readonly (readonly [number, Partial<Record<Signal, number>>, string[], string[]])[]) {
  const thresholds = thresholdsOf(texts(some))
  let memory = NOTHING_SHORT
  for (const [seconds, amounts, pressure, due] of lines) {
    const found = lookForShortages(memory, thresholds, seen(amounts), seconds * 1000, 300_000)
    memory = found.memory
    assert.deepEqual([...found.pressure], pressure, `pressure after ${seconds} s`)
    assert.deepEqual(
      found.due.map(({ signal, isHard }) => `${signal} ${isHard ? 'hard' : 'soft'}`),
      due,
      `due after ${seconds} s`,
    )
  }
}

describe('shortages', () => {
  it('of a hard threshold are acted on at once; the pressure lasts five minutes longer', () =>
    story({ evictionHard: ['memory.available<100Mi'] }, [
      [0, { 'memory.available': 100 * MI }, [], []],
      [10, { 'memory.available': 100 * MI - 1 }, ['memory'], ['memory.available hard']],
      [20, { 'memory.available': 200 * MI }, ['memory'], []],
      [309, { 'memory.available': 200 * MI }, ['memory'], []],
      [310, { 'memory.available': 200 * MI }, [], []],
    ]))

  it('of a soft threshold show at once, and are acted on when they have lasted without a break', () =>
    story({ evictionSoft: ['nodefs.available<50%'], evictionSoftGracePeriod: ['nodefs.available=30s'] }, [
      [0, { 'nodefs.available': 499 * MI }, ['disk'], []],
      [20, { 'nodefs.available': 499 * MI }, ['disk'], []],
      [25, { 'nodefs.available': 500 * MI }, ['disk'], []],
      [30, { 'nodefs.available': 499 * MI }, ['disk'], []],
      [59, { 'nodefs.available': 499 * MI }, ['disk'], []],
      [60, { 'nodefs.available': 499 * MI }, ['disk'], ['nodefs.available soft']],
    ]))

  it('are over only when what is to be reclaimed is there too', () =>
    story({ evictionHard: ['imagefs.available<100Mi'], evictionMinimumReclaim: ['imagefs.available=50Mi'] }, [
      [0, { 'imagefs.available': 120 * MI }, [], []],
      [10, { 'imagefs.available': 99 * MI }, ['disk'], ['imagefs.available hard']],
      [20, { 'imagefs.available': 149 * MI }, ['disk'], ['imagefs.available hard']],
      [30, { 'imagefs.available': 150 * MI }, ['disk'], []],
      [40, { 'imagefs.available': 120 * MI }, ['disk'], []],
    ]))

  it('are met memory first, then disk, files and processes; hard before soft', () =>
    story(
      {
        evictionHard: ['pid.available<10', 'nodefs.inodesFree<10', 'memory.available<10', 'nodefs.available<10'],
        evictionSoft: ['memory.available<20'],
        evictionSoftGracePeriod: ['memory.available=0s'],
      },
      [
        [
          0,
          { 'pid.available': 1, 'nodefs.inodesFree': 1, 'memory.available': 1, 'nodefs.available': 1 },
          ['pid', 'disk', 'memory'],
          ['memory.available hard', 'memory.available soft', 'nodefs.available hard', 'nodefs.inodesFree hard', 'pid.available hard'],
        ],
      ],
    ))

  it('of what cannot be measured are none', () => story({ evictionHard: ['pid.available<10'] }, [[0, {}, [], []]]))
})

describe('thresholds', () => {
  for (const [what, some, message] of [
    [
      'an unknown signal',
      { evictionHard: ['memory.free<1Mi'] },
      /--eviction-hard: "memory.free" is none of memory.available, allocatableMemory/,
    ],
    ['a name everybody has', { evictionHard: ['toString<1Mi'] }, /is none of/],
    ['no sign', { evictionHard: ['memory.available'] }, /is not signal<amount/],
    ['no amount', { evictionHard: ['memory.available<much'] }, /--eviction-hard: memory.available: /],
    ['a negative one', { evictionHard: ['memory.available<-1'] }, /less than nothing/],
    ['more than all', { evictionHard: ['memory.available<101%'] }, /101% is more than all/],
    ['one twice', { evictionHard: ['memory.available<1', 'memory.available<2'] }, /is there twice/],
    [
      'a soft one without grace',
      { evictionSoft: ['memory.available<1'] },
      /--eviction-soft-grace-period: there is none for memory.available/,
    ],
    ['a grace that is none', { evictionSoftGracePeriod: ['memory.available=soon'] }, /--eviction-soft-grace-period: memory.available/],
  ] as const) {
    it(`are not ${what}`, () => assert.throws(() => thresholdsOf(texts(some)), message))
  }
})

it('two file systems are told apart', () => {
  const node = { memoryBytes: 1, storageBytes: 2, storageTotal: 3, inodes: undefined, inodesTotal: 0, processes: 5, processesTotal: 6 }
  const images = { ...node, storageBytes: 7, inodes: 8, inodesTotal: 10 }
  const found = observationsOf({ memoryBytes: 9 }, node, images, { available: 3, capacity: 4 })
  assert.deepEqual(Object.fromEntries(found), {
    'memory.available': { available: 1, capacity: 9 },
    'allocatableMemory.available': { available: 3, capacity: 4 },
    'nodefs.available': { available: 2, capacity: 3 },
    'imagefs.available': { available: 7, capacity: 3 },
    'imagefs.inodesFree': { available: 8, capacity: 10 },
    'pid.available': { available: 5, capacity: 6 },
  })
})

it('where pods are held together, what is hard for the machine is hard for them', () => {
  const of = (...evictionHard: string[]) =>
    alsoOfPods(
      thresholdsOf(texts({ evictionHard, evictionSoft: ['memory.available<20'], evictionSoftGracePeriod: ['memory.available=1m'] })),
    )
      .filter(({ signal }) => signal === 'allocatableMemory.available')
      .map(({ limit, isHard, graceMilliseconds }) => [limit.text, isHard, graceMilliseconds])
  assert.deepEqual(of('memory.available<10%', 'pid.available<3'), [['10%', true, 0]])
  assert.deepEqual(of('memory.available<10%', 'allocatableMemory.available<7'), [['7', true, 0]], 'said by itself')
  assert.deepEqual(of(), [])
})

for (const version of ['v1', 'v2']) {
  it(`the memory of all pods is what their group has used and may (${version})`, async (context) => {
    const root = mkdtempSync(join(tmpdir(), 'pods-memory-'))
    context.after(() => rmSync(root, { recursive: true }))
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    if (version === 'v2') write('cgroup.controllers', 'cpu memory')
    assert.equal(await memoryOfPods(root), undefined)
    const limited = (limit: string) => {
      if (version === 'v2') {
        write('kubepods/cpu.stat', 'usage_usec 5')
        write('kubepods/memory.current', '500')
        write('kubepods/memory.max', limit)
        write('kubepods/memory.stat', 'inactive_file 100')
      } else {
        write('cpuacct/kubepods/cpuacct.usage', '5')
        write('memory/kubepods/memory.usage_in_bytes', '500')
        write('memory/kubepods/memory.limit_in_bytes', limit)
        write('memory/kubepods/memory.stat', 'total_inactive_file 100')
      }
    }
    limited('1000')
    assert.deepEqual(await memoryOfPods(root), { available: 600, capacity: 1000 })
    limited(version === 'v2' ? 'max' : `${2 ** 63 - 4096}`)
    assert.equal(await memoryOfPods(root), undefined)
  })
}
