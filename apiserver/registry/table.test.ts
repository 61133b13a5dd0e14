import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineResource } from './define-resource.ts'
import { ResourceTable } from './resource-table.ts'
import { tableOf } from './table.ts'

test('Name comes first, Age after the columns everybody sees', () => {
  const definition = defineResource('v1', 'ConfigMap', {
    columns: [
      { name: 'Data', type: 'integer', value: (map) => Object.keys(map.data ?? {}).length },
      { name: 'Frozen', priority: 1, value: (map) => map.immutable ?? false },
      { name: 'Since', type: 'date', value: () => '2030-01-01T00:00:00Z' },
    ],
  })
  const resource = new ResourceTable([definition as never]).find('', 'v1', 'configmaps')!
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', creationTimestamp: '2030-01-01T00:00:00Z' },
    data: { x: 'y' },
  }
  const table = tableOf(resource, [object], {}, { includeObject: 'None', meta: 'meta.k8s.io/v1', now: Date.UTC(2030, 0, 1, 1) })
  assert.deepEqual(
    table.columnDefinitions.map((column) => column.name),
    ['Name', 'Data', 'Frozen', 'Since', 'Age'],
  )
  assert.deepEqual(table.rows, [{ cells: ['a', 1, false, '60m', '60m'] }])
})

test('a kind with a Name column of its own is left alone', () => {
  const definition = defineResource('v1', 'Event', { columns: [{ name: 'Name', value: (event) => event.metadata.name }] })
  const resource = new ResourceTable([definition as never]).find('', 'v1', 'events')!
  assert.deepEqual(
    tableOf(resource, [], {}, { includeObject: 'None', meta: 'meta.k8s.io/v1', now: 0 }).columnDefinitions.map((column) => column.name),
    ['Name'],
  )
})
