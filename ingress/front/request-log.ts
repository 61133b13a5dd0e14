import type { Logger } from '../../shared/logging/logger.ts'
import type { Labels, Metrics } from '../../shared/metrics/metrics.ts'
import type { Route } from '../routing/route.ts'
import type { Question } from './exchange.ts'
import type { Origin } from './headers.ts'

/** How a request ended. */
export interface Outcome {
  readonly status: number
  readonly bytes: number
  readonly milliseconds: number
  readonly route: Route | undefined
  /** Whom it was given to at last. */
  readonly endpoint?: string | undefined
  readonly tries?: number | undefined
  /** Why it was not answered by a Pod, or not to the end. */
  readonly why?: string | undefined
}

/** Strangers choose methods; those that are none get one series together. */
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
/** Characters of a target in a log line. */
const SHOWN_TARGET = 256

/** One line and one count for each request, told when it is over. */
export class RequestLog {
  readonly #log: Logger | undefined
  readonly #requests
  readonly #durations
  readonly #sizes
  /** Few and always the same, so that their text is made once. */
  readonly #labels = new Map<string, Labels>()

  /** @param log undefined: requests are only counted */
  constructor(log: Logger | undefined, metrics: Metrics) {
    this.#log = log
    const name = (what: string) => `coxswain_ingress_controller_${what}`
    this.#requests = metrics.counter(name('requests'), 'Requests by route, method and status.')
    this.#durations = metrics.histogram(name('request_duration_seconds'), 'Time from the head of a request to the end of its answer.')
    this.#sizes = metrics.counter(name('response_bytes_total'), 'Bytes of bodies of answers by route.')
  }

  tell({ method, target, authority }: Question, { peer, scheme }: Origin, outcome: Outcome): void {
    const { route, status, bytes, milliseconds } = outcome
    const of = this.#labelsOf(route)
    this.#requests.add(1, this.#labelsOf(route, METHODS.includes(method) ? method : 'other', String(status)))
    this.#durations.observe(milliseconds / 1000, of)
    if (bytes > 0) this.#sizes.add(bytes, of)
    this.#log?.info('request', {
      ...{ client: peer, scheme, host: authority, method, path: pathOf(target), status, bytes, ms: Math.round(milliseconds * 10) / 10 },
      ...(route ? { ingress: `${route.ingress.metadata.namespace}/${route.ingress.metadata.name}` } : {}),
      ...(outcome.endpoint === undefined ? {} : { endpoint: outcome.endpoint }),
      ...((outcome.tries ?? 1) > 1 ? { tries: outcome.tries } : {}),
      ...(outcome.why === undefined ? {} : { why: outcome.why }),
    })
  }

  #labelsOf(route: Route | undefined, method?: string, status?: string): Labels {
    const { namespace = '', name = '' } = route?.ingress.metadata ?? {}
    const [host, path, service] = [route?.host ?? '', route?.path ?? '', route?.backend?.service ?? '']
    const key = [namespace, name, host, path, service, method, status].join('\0')
    const known = this.#labels.get(key)
    if (known) return known
    const labels = { namespace, ingress: name, host, path, service, ...(method === undefined ? {} : { method, status: status ?? '' }) }
    this.#labels.set(key, labels)
    return labels
  }
}

/** Without the query: people put secrets there. */
function pathOf(target: string): string {
  const path = target.split('?', 1)[0] ?? ''
  return path.length <= SHOWN_TARGET ? path : `${path.slice(0, SHOWN_TARGET)}…`
}
