import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Event } from '../../../shared/openapi/generated/core-v1.ts'
import type { Event as NewStyle } from '../../../shared/openapi/generated/events-v1.ts'
import { furtherVersion } from '../../registry/define-resource.ts'

/** events.k8s.io/v1: the same events in newer words, of whose writers more is asked (KEP-383). */
export const newStyle = furtherVersion<'events.k8s.io/v1', 'Event', Event>('events.k8s.io/v1', 'Event', {
  toStored,
  fromStored,
  fieldNames: {
    ...Object.fromEntries(
      ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((part) => [
        `regarding.${part}`,
        `involvedObject.${part}`,
      ]),
    ),
    reason: 'reason',
    reportingController: 'reportingComponent',
    type: 'type',
  },
  createProblems,
})

function fromStored({ metadata, ...event }: Event) {
  const { eventTime, series, reportingComponent, reportingInstance, action, reason, involvedObject, related, message, type } = event
  // Null where an event of the old style has no time, as upstream writes it: the types of the newer words do not know that.
  return {
    ...{
      metadata,
      series: series as NewStyle['series'],
      reportingController: reportingComponent,
      reportingInstance,
      action,
      reason,
      related,
      note: message,
      type,
    },
    eventTime: eventTime as string,
    ...{ regarding: involvedObject, deprecatedSource: event.source, deprecatedCount: event.count },
    ...{ deprecatedFirstTimestamp: event.firstTimestamp, deprecatedLastTimestamp: event.lastTimestamp },
  }
}

function toStored({ metadata, ...event }: NewStyle) {
  const { eventTime, series, reportingController, reportingInstance, action, reason, regarding, related, note, type } = event
  return {
    ...{ metadata, eventTime, series, reportingComponent: reportingController ?? '', reportingInstance: reportingInstance ?? '' },
    ...{ action, reason, involvedObject: regarding, related, message: note, type },
    ...{ source: event.deprecatedSource, count: event.deprecatedCount },
    ...{ firstTimestamp: event.deprecatedFirstTimestamp, lastTimestamp: event.deprecatedLastTimestamp },
  }
}

/**
 * What was counted in the old fields is counted in the series now. Of changes nothing more is checked here, as in releases whose conformance suite
 * changes a note (1.20); newer ones hold all fields but the series (kubernetes#108047).
 */
function* createProblems(event: Event): Generator<FieldProblem> {
  if (!event.eventTime) yield fieldProblem.required('eventTime')
  if (event.type !== 'Normal' && event.type !== 'Warning')
    yield fieldProblem.invalid('type', event.type ?? '', `has invalid value: ${event.type ?? ''}`)
  if (event.firstTimestamp) yield fieldProblem.invalid('deprecatedFirstTimestamp', event.firstTimestamp, 'needs to be unset')
  if (event.lastTimestamp) yield fieldProblem.invalid('deprecatedLastTimestamp', event.lastTimestamp, 'needs to be unset')
  if (event.count) yield fieldProblem.invalid('deprecatedCount', event.count, 'needs to be unset')
  if (event.source.component || event.source.host) yield fieldProblem.invalid('deprecatedSource', event.source, 'needs to be unset')
}
