import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { TokenRequest } from '../../../shared/openapi/generated/storage-v1.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { sameSpec } from '../../registry/same-value.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { NONE } from '../../rules/table-cells.ts'

const UNSET = '<unset>'
const groupPolicies = ['File', 'None', 'ReadWriteOnceWithFSType']
const lifecycleModes = ['Persistent', 'Ephemeral']
const SHORTEST_TOKEN_SECONDS = 600
const LONGEST_TOKEN_SECONDS = 2 ** 32
const SHORTEST_UPDATE_SECONDS = 10

export default defineResource('storage.k8s.io/v1', 'CSIDriver', {
  generation: false,
  requiresResourceVersion: true,
  columns: [
    {
      name: 'AttachRequired',
      type: 'boolean',
      description: 'Whether volumes are attached first',
      value: ({ spec }) => spec.attachRequired ?? true,
    },
    {
      name: 'PodInfoOnMount',
      type: 'boolean',
      description: 'Whether the driver is told of the pod',
      value: ({ spec }) => spec.podInfoOnMount ?? false,
    },
    {
      name: 'StorageCapacity',
      type: 'boolean',
      description: 'Whether the scheduler asks for room first',
      value: ({ spec }) => spec.storageCapacity ?? false,
    },
    {
      name: 'TokenRequests',
      description: 'Audiences of the tokens that it is handed',
      value: ({ spec }) => spec.tokenRequests?.map(({ audience }) => audience).join(',') || UNSET,
    },
    {
      name: 'RequiresRepublish',
      type: 'boolean',
      description: 'Whether it is called again and again',
      value: ({ spec }) => spec.requiresRepublish ?? false,
    },
    { name: 'Modes', description: 'Kinds of volumes', value: ({ spec }) => spec.volumeLifecycleModes?.join(',') || NONE },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],

  applyDefaults({ spec }) {
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  prepareForUpdate(next, previous) {
    next.metadata.generation = (previous.metadata.generation ?? 0) + (sameSpec(next, previous) ? 0 : 1)
    if (next.metadata.generation === 0) delete next.metadata.generation
  },
  *validate({ spec }) {
    if (spec.fsGroupPolicy !== undefined && !groupPolicies.includes(spec.fsGroupPolicy))
      yield fieldProblem.notSupported('spec.fsGroupPolicy', spec.fsGroupPolicy, groupPolicies)
    yield* tokenProblems(spec.tokenRequests ?? [])
    for (const mode of spec.volumeLifecycleModes ?? [])
      if (!lifecycleModes.includes(mode)) yield fieldProblem.notSupported('spec.volumeLifecycleModes', mode, lifecycleModes)
    const period = spec.nodeAllocatableUpdatePeriodSeconds
    if (period !== undefined && period < SHORTEST_UPDATE_SECONDS)
      yield fieldProblem.invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds')
  },
  *validateUpdate({ spec: next }, { spec: previous }) {
    yield* immutableProblem('spec.attachedRequired', next.attachRequired, previous.attachRequired)
    yield* immutableProblem('spec.volumeLifecycleModes', next.volumeLifecycleModes, previous.volumeLifecycleModes)
  },
})

function* tokenProblems(requests: readonly TokenRequest[]): Generator<FieldProblem> {
  const audiences = new Set<string>()
  for (const [index, { audience, expirationSeconds: seconds }] of requests.entries()) {
    const at = `spec.tokenRequests[${index}]`
    if (audiences.has(audience)) yield fieldProblem.duplicate(`${at}.audience`, audience)
    audiences.add(audience)
    if (seconds === undefined) continue
    if (seconds < SHORTEST_TOKEN_SECONDS)
      yield fieldProblem.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes')
    if (seconds > LONGEST_TOKEN_SECONDS)
      yield fieldProblem.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds')
  }
}
