import type { Labels, Metrics } from '../../shared/metrics/metrics.ts'
import type { FlowControl } from '../flowcontrol/flow-control.ts'
import type { ServerBounds } from '../http/server.ts'
import { RequestMetrics } from './request-metrics.ts'

/** What `/metrics` tells. */
export interface ServerMetrics {
  readonly requests: RequestMetrics
  /** The text exposition format. */
  render(): string
}

export interface MetricSources {
  /** Where all of the server's are. */
  readonly metrics: Metrics
  readonly revision: () => number
  readonly watchers: () => number
  /** Open streams by what they serve. */
  readonly streams: () => Iterable<[Labels, number]>
  readonly flowControl: FlowControl
  readonly bounds: ServerBounds
  /** The plural of a resource that is served, as the server spells it. */
  readonly served: (resource: string) => string | undefined
}

export function serverMetrics({ revision, watchers, streams, flowControl, bounds, served, metrics }: MetricSources): ServerMetrics {
  const requests = new RequestMetrics(metrics, served)
  metrics.gaugeFrom('apiserver_storage_revision', 'The newest revision of the store.', revision)
  metrics.gaugeFrom('apiserver_watchers', 'Open watches.', watchers)
  metrics.gaugeFrom('apiserver_streaming_requests', 'Open logs, sessions, port-forwards and proxied calls.', streams)
  metrics.gaugeFrom('apiserver_connections', 'Open connections.', () => bounds.connections.total)
  metrics.counterFrom(
    'apiserver_connections_refused_total',
    'Connections closed because there were too many.',
    () => bounds.connections.refused,
  )
  metrics.gaugeFrom('apiserver_unsent_bytes', 'Bytes of answers and watches that their readers have not taken.', () => bounds.unsent.bytes)
  metrics.counterFrom('apiserver_unsent_cut_off_total', 'Readers cut off because they were slow.', () => bounds.unsent.ended)
  metrics.gaugeFrom('apiserver_body_bytes', 'Bytes of bodies in memory.', () => bounds.intake.budget.bytes)
  flowMetrics(metrics, flowControl)
  return {
    requests,
    render() {
      requests.flush()
      return metrics.render()
    },
  }
}

/** Under the names that upstream's dashboards know. */
function flowMetrics(metrics: Metrics, flowControl: FlowControl): void {
  const name = (what: string) => `apiserver_flowcontrol_${what}`
  const ofLevels = (read: (level: FlowControl['levels'][number]) => number) => () =>
    flowControl.levels.map((level): [Labels, number] => [{ priority_level: level.plan.name }, read(level)])
  metrics.gaugeFrom(
    name('nominal_limit_seats'),
    'Seats of each level.',
    ofLevels((level) => level.plan.share.nominal),
  )
  metrics.gaugeFrom(
    name('current_executing_seats'),
    'Seats taken.',
    ofLevels((level) => level.inUse),
  )
  metrics.gaugeFrom(
    name('current_inqueue_requests'),
    'Requests that wait for a seat.',
    ofLevels((level) => level.waiting),
  )
  const labelsOf = ({ plan }: FlowControl['flows'][number]): Labels => ({ priority_level: plan.level, flow_schema: plan.name })
  metrics.counterFrom(name('dispatched_requests_total'), 'Requests that got their seat.', () =>
    flowControl.flows.map((flow): [Labels, number] => [labelsOf(flow), flow.counts.dispatched]),
  )
  metrics.counterFrom(name('rejected_requests_total'), 'Requests that were sent away, by reason.', () =>
    flowControl.flows.flatMap((flow) =>
      Array.from(flow.counts.rejected, ([reason, count]): [Labels, number] => [{ ...labelsOf(flow), reason }, count]),
    ),
  )
}
