import { Metrics } from '../../shared/metrics/metrics.ts'
import type { InFlight } from './in-flight.ts'
import { RequestMetrics } from './request-metrics.ts'

/** What `/metrics` tells. */
export interface ServerMetrics {
  readonly requests: RequestMetrics
  /** The text exposition format. */
  render(): string
}

export function serverMetrics(read: {
  revision: () => number
  watchers: () => number
  inFlight: InFlight
  served: (resource: string) => string | undefined
}): ServerMetrics {
  const metrics = new Metrics()
  const requests = new RequestMetrics(metrics, read.served)
  metrics.gaugeFrom('apiserver_storage_revision', 'The newest revision of the store.', read.revision)
  metrics.gaugeFrom('apiserver_watchers', 'Open watches.', read.watchers)
  metrics.gaugeFrom('apiserver_current_inflight_requests', 'Requests being worked on.', () => [
    [{ request_kind: 'readOnly' }, read.inFlight.reads],
    [{ request_kind: 'mutating' }, read.inFlight.writes],
  ])
  return {
    requests,
    render() {
      requests.flush()
      return metrics.render()
    },
  }
}
