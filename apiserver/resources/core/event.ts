import type { Event } from '../../../shared/openapi/generated/core-v1.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { eventProblems } from '../../rules/event/event.ts'
import { newStyle } from '../../rules/event/new-style.ts'
import { sinceCell } from '../../rules/table-cells.ts'

/** An Event is gone an hour after it was last written. */
const TIME_TO_LIVE_SECONDS = 3600

export default defineResource('v1', 'Event', {
  alsoServed: [newStyle],
  shortNames: ['ev'],
  durability: 'relaxed',
  timeToLiveSeconds: TIME_TO_LIVE_SECONDS,
  createsOnUpdate: true,
  columns: [
    { name: 'Last Seen', description: 'Time since this happened last', value: lastSeen },
    { name: 'Type', description: 'Normal or Warning', value: (event) => event.type },
    { name: 'Reason', description: 'Why, for programs', value: (event) => event.reason },
    { name: 'Object', description: 'What the event is about', value: objectCell },
    { name: 'Subobject', priority: 1, description: 'Part of the object', value: (event) => event.involvedObject.fieldPath },
    { name: 'Source', priority: 1, description: 'Who reported it', value: sourceCell },
    { name: 'Message', description: 'Why, for people', value: (event) => event.message?.trim() },
    { name: 'First Seen', priority: 1, description: 'Time since this happened first', value: firstSeen },
    { name: 'Count', priority: 1, description: 'How often it happened', value: (event) => event.series?.count ?? (event.count || 1) },
    { name: 'Name', priority: 1, description: 'Name of the event', value: (event) => event.metadata.name },
  ],
  selectableFields: {
    'involvedObject.kind': (event) => event.involvedObject.kind ?? '',
    'involvedObject.namespace': (event) => event.involvedObject.namespace ?? '',
    'involvedObject.name': (event) => event.involvedObject.name ?? '',
    'involvedObject.uid': (event) => event.involvedObject.uid ?? '',
    'involvedObject.apiVersion': (event) => event.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': (event) => event.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': (event) => event.involvedObject.fieldPath ?? '',
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent,
    source: (event) => event.source.component || event.reportingComponent,
    type: (event) => event.type ?? '',
  },
  validate: eventProblems,
})

function firstSeen(event: Event, now: number): string {
  return sinceCell(event.firstTimestamp ?? event.eventTime, now)
}

function lastSeen(event: Event, now: number): string {
  if (event.series) return sinceCell(event.series.lastObservedTime, now)
  return event.lastTimestamp ? sinceCell(event.lastTimestamp, now) : firstSeen(event, now)
}

function objectCell({ involvedObject }: Event): string {
  const kind = involvedObject.kind?.toLowerCase() ?? ''
  return involvedObject.name ? `${kind}/${involvedObject.name}` : kind
}

function sourceCell({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source.component || reportingComponent
  const host = source.host || reportingInstance
  return host ? `${component}, ${host}` : component
}
