import { setOwn } from '../../../shared/objects/own.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { contentProblems, immutableContentProblems } from '../../rules/config/key-value-content.ts'
import { secretTypeProblems } from '../../rules/config/secret-type.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'

export default defineResource('v1', 'Secret', {
  columns: [
    { name: 'Type', description: 'Used by programs to recognise what is inside', value: (secret) => secret.type },
    { name: 'Data', description: 'Number of entries', value: (secret) => Object.keys(secret.data ?? {}).length },
  ],
  selectableFields: { type: (secret) => secret.type ?? '' },

  applyDefaults(secret) {
    secret.type ||= 'Opaque'
    for (const [key, value] of Object.entries(secret.stringData ?? {})) {
      secret.data ??= {}
      setOwn(secret.data, key, Buffer.from(value).toString('base64'))
    }
    secret.stringData = undefined
  },
  prepareForUpdate(next, previous) {
    next.type ||= previous.type
  },
  *validate(secret) {
    yield* contentProblems([{ path: 'data', entries: secret.data, encoding: 'base64' }])
    yield* secretTypeProblems(secret)
  },
  *validateUpdate(next, previous) {
    yield* immutableProblem('type', next.type, previous.type)
    yield* immutableContentProblems(next, previous, ['data'])
  },
})
