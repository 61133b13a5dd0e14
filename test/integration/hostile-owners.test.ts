import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApi } from '../harness/api.ts'
import { configMap } from '../harness/bodies.ts'
import { CpuBudget } from '../harness/cpu-budget.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'

/** What a client says of more owners than anybody has. */
const ownedByMany = (name: string, operation: string) =>
  JSON.stringify({
    ...configMap(name, { data: { a: '1' } }),
    metadata: {
      name,
      managedFields: Array.from({ length: 8_000 }, (_, index) => ({
        ...{ manager: `m${index}`, operation, apiVersion: 'v1', time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1' },
        fieldsV1: { 'f:data': { 'f:a': {} } },
      })),
    },
  })

test('a list of thousands of owners costs no more than its bytes, and is as good as none', async (context) => {
  const api = await startApi({}, context)
  const budget = new CpuBudget()
  const there = await api.request('POST', MAPS, configMap('there', { data: { a: '0' } }))
  assert.equal(there.status, 201)
  for (const operation of ['Update', 'Apply']) {
    for (const [method, path, name] of [
      ['POST', `${MAPS}?dryRun=All`, 'new'],
      ['PUT', `${MAPS}/there?dryRun=All`, 'there'],
    ] as const) {
      const body = ownedByMany(name, operation)
      const answer = await budget.measure(`${method} of ${operation}`, { bytes: body.length, body }, () => api.request(method, path, body))
      const { managedFields } = answer.json['metadata'] as { managedFields: { manager: string }[] }
      assert.deepEqual(
        managedFields.map(({ manager }) => manager),
        ['unknown'],
        `${method} of ${operation}: ${answer.status}`,
      )
    }
  }
})
