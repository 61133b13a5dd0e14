import type { Labels, Metrics } from '../shared/metrics/metrics.ts'
import type { ForwardCounts } from './forward/forwarder.ts'
import { codeName, flag, typeName } from './message/codes.ts'
import type { Answered, Observer } from './observer.ts'

/** CoreDNS' own bounds, in seconds: each twice the one before. */
const DURATIONS = Array.from({ length: 16 }, (_, index) => 0.00025 * 2 ** index)
const SIZES = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000]

/** What each of CoreDNS' series carries; here there is one server, and one zone for everything, as with its usual configuration. */
const WHERE = { server: 'dns://:53', zone: '.', view: '' }

/** The figures that are read from elsewhere when somebody asks. */
export interface DnsState {
  cached(): number
  hosts(): number
  looping(): number
}

/** Counts under the names that CoreDNS' metrics have, so that its dashboards and alerts show this server. */
export function dnsMetrics(metrics: Metrics): Observer & ForwardCounts & { refusedConfiguration(): void; show(state: DnsState): void } {
  const requests = metrics.counter('coredns_dns_requests_total', 'DNS requests by protocol, family and type.')
  const responses = metrics.counter('coredns_dns_responses_total', 'DNS responses by code and by who knew the answer.')
  const durations = metrics.histogram('coredns_dns_request_duration_seconds', 'Time each request took.', DURATIONS)
  const sizes = metrics.histogram('coredns_dns_response_size_bytes', 'Size of the responses.', SIZES)
  const unreadable = metrics.counter('coxswain_dns_unreadable_messages_total', 'Messages that were no query.')
  const exchanges = metrics.histogram('coredns_proxy_request_duration_seconds', 'Time each question to a server outside took.', DURATIONS)
  const lookups = metrics.counter('coredns_cache_requests_total', 'Questions outside that the cache was asked for.')
  const hits = metrics.counter('coredns_cache_hits_total', 'Questions outside that the cache answered.')
  const rejects = metrics.counter(
    'coredns_forward_max_concurrent_rejects_total',
    'Questions refused because too many wait for servers outside.',
  )
  const reloads = metrics.counter('coredns_reload_failed_total', 'Configurations that were refused; the one before stayed.')
  // The same labels object each time: its text is made once.
  const requestLabels = new Map<string, Labels>()
  const responseLabels = new Map<string, Labels>()
  const protocols: Record<'tcp' | 'udp', Labels> = { tcp: { ...WHERE, proto: 'tcp' }, udp: { ...WHERE, proto: 'udp' } }
  const ofServer = new Map<string, Labels>()
  return {
    answered({ query, overTcp, client, answer, seconds }: Answered) {
      const proto = overTcp ? 'tcp' : 'udp'
      const family = client?.includes(':') ? '2' : '1'
      requests.add(
        1,
        once(requestLabels, `${proto}${family}${kindOf(query.type)}`, () => ({ ...WHERE, proto, family, type: kindOf(query.type) })),
      )
      const plugin = answer[2]! & (flag.authoritative >> 8) ? 'kubernetes' : 'forward'
      const rcode = answer[3]! & 0x0f
      responses.add(
        1,
        once(responseLabels, `${plugin}${rcode}`, () => ({ ...WHERE, rcode: codeName(rcode), plugin })),
      )
      durations.observe(seconds, WHERE)
      sizes.observe(answer.length, protocols[proto])
    },
    unreadable: () => unreadable.add(),
    exchanged(to, rcode, seconds) {
      const code = rcode === undefined ? 'SERVFAIL' : codeName(rcode)
      exchanges.observe(
        seconds,
        once(ofServer, `${to} ${code}`, () => ({ proxy_name: 'forward', to, rcode: code })),
      )
    },
    cached(isHit) {
      lookups.add(1, WHERE)
      if (isHit) hits.add(1, WHERE)
    },
    refused: () => rejects.add(),
    refusedConfiguration: () => reloads.add(),
    show({ cached, hosts, looping }) {
      metrics.gaugeFrom('coredns_cache_entries', 'Answers from outside that are kept.', cached)
      metrics.gaugeFrom('coredns_hosts_entries', 'Names that the configuration sets itself.', hosts)
      metrics.gaugeFrom('coxswain_dns_looping_servers', 'Servers outside that ask this one back and are left out.', looping)
    },
  }
}

/** Types have no end of numbers; those without a name here are counted together. */
function kindOf(type: number): string {
  const name = typeName(type)
  return name.startsWith('TYPE') ? 'other' : name
}

function once(known: Map<string, Labels>, key: string, make: () => Labels): Labels {
  let labels = known.get(key)
  if (!labels) known.set(key, (labels = make()))
  return labels
}
