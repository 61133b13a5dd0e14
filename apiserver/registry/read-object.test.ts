import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anyField } from '../../shared/selectors/field-selector.ts'
import type { StoredEntry } from './object-facts.ts'
import { ObjectStore } from './read-object.ts'
import type { Resource } from './resource-table.ts'
import { selectionOf } from './selection.ts'

test('selecting among many gives way again and again, and sees one snapshot', async () => {
  let now = 0
  // Each look at the clock is half a millisecond later: a thousand entries are sixteen looks.
  const store = new ObjectStore({} as never, () => 0, { monotonic: () => (now += 0.5) })
  const resource = { selectable: [], namespaced: true } as unknown as Resource
  const query = new URLSearchParams({ labelSelector: 'a=yes' })
  const selection = selectionOf(resource, '', { name: '', fields: anyField, query })
  const entries = Array.from(
    { length: 10_000 },
    (_, n) =>
      ({ facts: { namespace: 'x', name: `n${n}`, labels: { a: n % 100 === 0 ? 'yes' : 'no' }, fields: [] } }) as unknown as StoredEntry,
  )
  let turns = 0
  let isOver = false
  const others = () => {
    turns++
    if (!isOver) setImmediate(others)
  }
  setImmediate(others)
  const found = await store.selected(entries, resource, selection)
  isOver = true
  assert.equal(found.length, 100)
  assert.ok(turns > 20, `others had ${turns} turns`)
})

test('however many lists there are, others wait for one turn of one of them', async () => {
  let now = 0
  const store = new ObjectStore({} as never, () => 0, { monotonic: () => (now += 0.5) })
  const resource = { selectable: [], namespaced: true } as unknown as Resource
  const query = new URLSearchParams({ labelSelector: 'a=yes' })
  const selection = selectionOf(resource, '', { name: '', fields: anyField, query })
  const entry = { facts: { namespace: 'x', name: 'n', labels: { a: 'no' }, fields: [] } } as unknown as StoredEntry
  const entries = Array.from({ length: 10_000 }, () => entry)
  let longest = 0
  let last = now
  let isOver = false
  const others = () => {
    longest = Math.max(longest, now - last)
    last = now
    if (!isOver) setImmediate(others)
  }
  setImmediate(others)
  await Promise.all(Array.from({ length: 8 }, () => store.selected(entries, resource, selection)))
  isOver = true
  assert.ok(longest > 0 && longest <= 3, `others waited for ${longest} ms of scanning`)
})
