import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { VolumeAttachment, VolumeError } from '../../../shared/openapi/generated/storage-v1.ts'
import { byteLength, subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { inlineVolumeProblems } from '../../rules/volume/persistent-volume.ts'

const METADATA_BYTES = 256 * 1024
const MESSAGE_BYTES = 1024
const LARGEST_CODE = 2 ** 31 - 1

export default defineResource('storage.k8s.io/v1', 'VolumeAttachment', {
  generation: false,
  requiresResourceVersion: true,
  columns: [
    { name: 'Attacher', description: 'Driver that attaches', value: ({ spec }) => spec.attacher },
    { name: 'PV', description: 'Volume to be attached', value: ({ spec }) => spec.source.persistentVolumeName ?? '' },
    { name: 'Node', description: 'Node to attach it to', value: ({ spec }) => spec.nodeName },
    { name: 'Attached', type: 'boolean', description: 'Whether it is', value: ({ status }) => status.attached },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  *validate(attachment) {
    yield* specProblems(attachment.spec)
    yield* statusProblems(attachment.status)
  },
  validateUpdate: (next, previous) => immutableProblem('spec', next.spec, previous.spec),
  validateStatusUpdate: (next) => statusProblems(next.status),
})

function* specProblems({ attacher, source, nodeName }: VolumeAttachment['spec']): Generator<FieldProblem> {
  if (!attacher) yield fieldProblem.required('spec.attacher')
  else for (const problem of subdomainProblems(attacher)) yield fieldProblem.invalid('spec.attacher', attacher, problem)
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = source
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (!inline && name === undefined) yield fieldProblem.required('spec.source', one)
  else if (inline && name !== undefined) yield fieldProblem.forbidden('spec.source', one)
  else if (inline) yield* inlineVolumeProblems(inline, 'spec.source.inlineVolumeSpec')
  else if (!name) yield fieldProblem.required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName')
  else for (const problem of subdomainProblems(name)) yield fieldProblem.invalid('spec.source.persistentVolumeName', name, problem)
  for (const problem of subdomainProblems(nodeName)) yield fieldProblem.invalid('spec.nodeName', nodeName, problem)
}

function* statusProblems({ attachmentMetadata, attachError, detachError }: VolumeAttachment['status']): Generator<FieldProblem> {
  const bytes = Object.entries(attachmentMetadata ?? {}).reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0)
  if (bytes > METADATA_BYTES) yield fieldProblem.tooLong('status.attachmentMetadata', METADATA_BYTES)
  yield* errorProblems(attachError, 'status.attachError')
  yield* errorProblems(detachError, 'status.detachError')
}

function* errorProblems(error: VolumeError | undefined, path: string): Generator<FieldProblem> {
  if (byteLength(error?.message ?? '') > MESSAGE_BYTES) yield fieldProblem.tooLong(`${path}.message`, MESSAGE_BYTES)
  const code = error?.errorCode ?? 0
  if (code < 0) yield fieldProblem.invalid(`${path}.errorCode`, code, `must be between 0 and ${LARGEST_CODE}, inclusive`)
}
