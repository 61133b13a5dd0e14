import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeLine } from './change-line.ts'

const change = {
  revision: '1234',
  time: '2026-01-31T12:00:01.250Z',
  type: 'changed',
  resource: 'deployments',
  namespace: 'default',
  name: 'web',
}

test('a change is a line: when, what, by whom, and what in it', () => {
  const fields = [{ path: 'spec.replicas', before: 2, after: 1 }]
  const by = { manager: 'kubectl', subresource: 'scale' }
  assert.equal(
    changeLine({ ...change, by, fields }),
    '12:00:01.250    1234 changed  deployments/default/web  by kubectl (scale)  spec.replicas: 2 → 1',
  )
  const { namespace: _, ...clusterScoped } = change
  assert.equal(changeLine({ ...clusterScoped, type: 'created', resource: 'nodes', name: 'n1' }), '12:00:01.250    1234 created  nodes/n1')
})

test('many fields are counted, and what objects hold can neither break the line nor speak to the terminal', () => {
  const fields = ['a', 'b', 'c', 'd', 'e'].map((path) => ({ path, after: `${'\u001b[31m\n\u009b31m'.repeat(9)}` }))
  const line = changeLine({ ...change, fields })
  assert.match(line, /a: nothing → ".*…, b: .*, and 2 more$/)
  assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f]/)
})
