import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Event } from '../../../shared/openapi/generated/core-v1.ts'
import { byteLength, subdomainProblems } from '../../../shared/selectors/label-syntax.ts'

const limits = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const

/** An Event is about one object and lives in that object's namespace; one with `eventTime` is of the new style, which asks for more. */
export function* eventProblems(event: Event): Generator<FieldProblem> {
  yield* namespaceProblems(event)
  if (!event.eventTime) return
  if (!event.reportingComponent) yield fieldProblem.required('reportingController')
  if (!event.reportingInstance) yield fieldProblem.required('reportingInstance')
  if (!event.action) yield fieldProblem.required('action')
  if (!event.reason) yield fieldProblem.required('reason')
  if (event.type !== 'Normal' && event.type !== 'Warning')
    yield fieldProblem.invalid('type', event.type ?? '', `has invalid value: ${event.type ?? ''}`)
  for (const field of ['reportingInstance', 'action', 'reason', 'message'] as const) {
    if (byteLength(event[field] ?? '') > limits[field]) {
      yield fieldProblem.invalid(field, '', `can have at most ${limits[field]} characters`)
    }
  }
}

function* namespaceProblems({ metadata, involvedObject }: Event): Generator<FieldProblem> {
  const about = involvedObject.namespace ?? ''
  if (about === '') {
    // What has no namespace is spoken of in `default` (or where the system's own namespace is).
    if (metadata.namespace !== 'default' && metadata.namespace !== 'kube-system') {
      yield fieldProblem.invalid('involvedObject.namespace', about, 'does not match event.namespace')
    }
  } else if (metadata.namespace !== about) {
    yield fieldProblem.invalid('involvedObject.namespace', about, 'does not match event.namespace')
  }
  for (const problem of subdomainProblems(metadata.namespace ?? ''))
    yield fieldProblem.invalid('namespace', metadata.namespace ?? '', problem)
}
