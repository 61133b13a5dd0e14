import type { Counter, Labels, Metrics } from '../shared/metrics/metrics.ts'
import type { ClusterChange } from './cluster-change.ts'

/** Why a pod came where it is in the queue. */
export type Arrival = ClusterChange['what'] | 'podAdded' | 'podChanged' | 'backoffOver' | 'sleptLongEnough' | 'refused' | 'attemptFailed'

const PLACES = ['active', 'backoff', 'unschedulable', 'inFlight'] as const
type Place = (typeof PLACES)[number]

/** What the queue counts; names are upstream's where upstream has the same. */
export class QueueCounts {
  readonly #arrivals: Counter
  readonly #asked: Counter
  /** Metrics know label objects by identity. */
  readonly #labels = new Map<string, Labels>()

  constructor(metrics: Metrics, placesOfAll: () => readonly Place[]) {
    this.#arrivals = metrics.counter(
      'scheduler_queue_incoming_pods_total',
      'Pods that came into a part of the queue, by what brought them there',
    )
    this.#asked = metrics.counter(
      'scheduler_queueing_hints_total',
      'Whether a change of the cluster may help a refused Pod: answers of the refusing rules',
    )
    metrics.gaugeFrom('scheduler_pending_pods', 'Pods in each part of the queue', () => {
      const places = placesOfAll()
      return PLACES.map((queue): [Labels, number] => [{ queue }, places.filter((place) => place === queue).length])
    })
  }

  arrived(queue: Place, event: Arrival): void {
    this.#arrivals.add(1, this.#once(`${queue} ${event}`, { queue, event }))
  }

  asked(plugin: string, event: Arrival, isHelp: boolean): void {
    this.#asked.add(1, this.#once(`${plugin} ${event} ${isHelp}`, { plugin, event, hint: isHelp ? 'Queue' : 'QueueSkip' }))
  }

  #once(key: string, labels: Labels): Labels {
    const known = this.#labels.get(key)
    if (known) return known
    this.#labels.set(key, labels)
    return labels
  }
}
