import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { contentProblems, immutableContentProblems } from '../../rules/config/key-value-content.ts'

export default defineResource('v1', 'ConfigMap', {
  shortNames: ['cm'],
  columns: [
    {
      name: 'Data',
      description: 'Number of entries',
      value: (map) => Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length,
    },
  ],

  *validate(map) {
    yield* contentProblems([
      { path: 'data', entries: map.data, encoding: 'utf8' },
      { path: 'binaryData', entries: map.binaryData, encoding: 'base64' },
    ])
    for (const key of Object.keys(map.data ?? {})) {
      if (Object.hasOwn(map.binaryData ?? {}, key))
        yield fieldProblem.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')
    }
  },
  *validateUpdate(next, previous) {
    yield* immutableContentProblems(next, previous, ['data', 'binaryData'])
  },
})
