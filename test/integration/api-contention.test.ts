import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApi } from '../harness/api.ts'
import { configMap } from '../harness/bodies.ts'

const MAP = '/api/v1/namespaces/default/configmaps/shared'
const WRITERS = 8
const ROUNDS = 25

// On a disk, so that writers meet while one of them is being stored.
test('writers of one object get turns: none is overtaken again and again', async (t) => {
  const api = await startApi({ args: ['--storage', 'leveldb'] }, t)
  await api.request('POST', '/api/v1/namespaces/default/configmaps', configMap('shared', { data: { count: '0' } }))
  const wins: number[] = []
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      for (let round = 0; round < ROUNDS; round++) {
        for (;;) {
          const { json } = await api.request('GET', MAP)
          const { count } = json['data'] as { count: string }
          const { status } = await api.request('PUT', MAP, { ...json, data: { count: String(Number(count) + 1) } })
          if (status === 200) break
          assert.equal(status, 409)
        }
        wins.push(writer)
      }
    }),
  )
  const { json } = await api.request('GET', MAP)
  assert.deepEqual(json['data'], { count: String(WRITERS * ROUNDS) })
  let longest = 0
  for (let writer = 0; writer < WRITERS; writer++) {
    const at = wins.flatMap((who, index) => (who === writer ? [index] : []))
    for (let n = 1; n < at.length; n++) longest = Math.max(longest, at[n]! - at[n - 1]!)
  }
  assert.ok(longest <= 3 * WRITERS, `somebody waited for ${longest} writes of the other ${WRITERS - 1}`)
})
