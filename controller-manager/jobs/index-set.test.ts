import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '../../shared/random/random.ts'
import { IndexSet } from './index-set.ts'

test('intervals are written short, and read back up to the limit', () => {
  const cases: [indexes: number[], text: string][] = [
    [[], ''],
    [[0], '0'],
    [[1, 0], '0,1'],
    [[4, 2, 3], '2-4'],
    [[9, 0, 1, 2, 5, 6, 2], '0-2,5,6,9'],
  ]
  for (const [indexes, text] of cases) {
    assert.equal(`${IndexSet.of(indexes)}`, text)
    assert.equal(`${IndexSet.parse(text, 100)}`, text)
  }
  assert.equal(`${IndexSet.parse('0-9,12', 5)}`, '0-4', 'a job that shrank')
  assert.equal(`${IndexSet.parse('x,1-,3-2,-4,5,1e3,7', 10)}`, '5,7', 'what somebody spoiled')
})

test('it behaves as the set that it is', () => {
  const random = seededRandom(3)
  const some = () => Array.from({ length: Math.floor(random.fraction() * 12) }, () => Math.floor(random.fraction() * 20))
  for (let round = 0; round < 300; round++) {
    const [left, right] = [some(), some()]
    const [a, b] = [IndexSet.of(left), IndexSet.of(right)]
    const union = new Set([...left, ...right])
    assert.equal(a.size, new Set(left).size)
    assert.equal(`${a.with(b)}`, `${IndexSet.of(union)}`)
    assert.equal(a.overlap(b), [...new Set(left)].filter((index) => right.includes(index)).length)
    for (let index = -1; index < 22; index++) assert.equal(a.has(index), left.includes(index), `${index} in ${a}`)
    const missing = Array.from({ length: 15 }, (_, index) => index).filter((index) => !left.includes(index))
    assert.deepEqual(a.missing(4, 15), missing.slice(0, 4))
  }
  assert.deepEqual(IndexSet.none.missing(2, 1_000_000), [0, 1])
  assert.deepEqual(IndexSet.none.missing(2, 0), [])
})
