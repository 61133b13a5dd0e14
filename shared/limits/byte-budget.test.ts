import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteBudget } from './byte-budget.ts'

test('the heaviest owner loses what has waited longest, and only as much as there must be room for', () => {
  const budget = new ByteBudget(100)
  const ended: string[] = []
  const hold = (owner: string, name: string, bytes: number) => budget.hold(owner, bytes, () => ended.push(name))
  hold('light', 'l1', 20)
  hold('heavy', 'h1', 30)
  hold('heavy', 'h2', 40)
  assert.deepEqual(ended, [])
  hold('light', 'l2', 20)
  assert.deepEqual(ended, ['h1'])
  assert.equal(budget.bytes, 80)
  hold('other', 'o1', 20)
  assert.equal(budget.bytes, 100)
  assert.equal(budget.ended, 1)
})

test('what can no longer be given up stays, and then the newcomer goes', () => {
  const budget = new ByteBudget(100)
  budget.hold('busy', 90, undefined)
  let gone = 0
  const holding = budget.hold('new', 5, () => gone++)
  budget.grow(holding, 10)
  assert.equal(gone, 1)
  assert.equal(budget.bytes, 90)
})

test('what was released counts no more, and twice is once', () => {
  const budget = new ByteBudget(100)
  const holding = budget.hold('a', 60, () => assert.fail('there is room'))
  budget.release(holding)
  budget.release(holding)
  assert.equal(budget.bytes, 0)
  budget.grow(holding, 200)
  assert.equal(budget.bytes, 0)
})
