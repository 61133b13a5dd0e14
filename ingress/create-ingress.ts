import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { IpRange } from '../shared/addresses/ip-range.ts'
import { LeadershipLost } from '../shared/controller/leadership.ts'
import { createControllerRunner } from '../shared/controller/runner.ts'
import { keepPodRoutes, machineIp, type RunIp } from '../shared/pods/keep-pod-routes.ts'
import { type ComponentTools, createComponent } from '../shared/process/component.ts'
import { ConfigError } from '../shared/process/config.ts'
import { electionOf } from '../shared/process/leader-election-settings.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { Dial } from './backends/endpoint.ts'
import type { IngressConfig } from './config.ts'
import { Front } from './front/front.ts'
import { Listeners } from './front/listeners.ts'
import { RequestLog } from './front/request-log.ts'
import { Serving } from './serving.ts'
import { addressController } from './status/address-controller.ts'
import { ProblemReporter } from './status/problem-reporter.ts'
import { makeOwnCertificate } from './tls/own-certificate.ts'

/** What tests replace. */
export interface IngressParts {
  /** Connects to a Pod. Default: TCP to its address. */
  readonly dial?: Dial | undefined
  /** Sets routes. Default: the machine's `ip`. */
  readonly ip?: RunIp | undefined
}

export interface IngressService extends Service {
  /** Where it listens; zeros before it does. */
  readonly ports: { readonly http: number; readonly https: number }
}

/** How long certificates are waited for before connections are taken. */
const CERTIFICATES_MILLISECONDS = 3_000

/** Builds the server of Ingresses; nothing listens before `start`. */
export function createIngress(config: IngressConfig, tools: ProcessTools, parts: IngressParts = {}): IngressService {
  const trusted = config.trustedProxies.map((text) => {
    const range = IpRange.parse(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`)
    if (!range) throw new ConfigError(`--trusted-proxies: ${JSON.stringify(text)} is no range such as 192.0.2.0/24`)
    return range
  })
  let ports = { http: 0, https: 0 }
  const health = { ...config, bindAddress: config.healthBindAddress }
  const service = createComponent('ingress', health, tools, (all) => {
    const { clock, random, log, metrics } = all
    const serving = new Serving(all, parts.dial ?? dialPod)
    const published = () => ({ http: config.publishedHttpPort || ports.http, https: config.publishedHttpsPort || ports.https })
    const front = new Front({
      ...{ config, clock, random, trusted, ports: published, table: () => serving.table, backends: serving.backends },
      hasTls: (host) => serving.certificates.hasTls(host),
      log: new RequestLog(config.accessLog ? log : undefined, metrics),
    })
    const reporter = new ProblemReporter({ clock, events: all.events, log }, () => serving.problems())
    measureCertificates(all, serving)
    let isListening = false
    return {
      ready: { listening: () => (isListening ? undefined : 'nothing listens yet') },
      async run(signal) {
        const endRoutes = followRoutes(config, parts, all)
        await serving.start(CERTIFICATES_MILLISECONDS)
        const contextFor = (name: string) => serving.certificates.contextFor(name)
        const fallback = await makeOwnCertificate(clock.now())
        const listeners = new Listeners({ config, front, contextFor, fallback, metrics, clock, log })
        ports = await listeners.start()
        isListening = true
        log.info('serving Ingresses', { address: config.bindAddress, ...ports })
        await Promise.all([lead(config, all, { serving, reporter, ports: published() }, signal), untilAborted(signal)])
        isListening = false
        await listeners.stop()
        serving.stop()
        endRoutes()
      },
    }
  })
  return Object.defineProperty(service, 'ports', { get: () => ports }) as IngressService
}

interface Leading {
  readonly serving: Serving
  readonly reporter: ProblemReporter
  readonly ports: { readonly http: number; readonly https: number }
}

/** What one copy of several does: writes statuses, and speaks to authors. */
async function lead(
  config: IngressConfig,
  tools: ComponentTools,
  { serving, reporter, ports }: Leading,
  signal: AbortSignal,
): Promise<void> {
  const addresses = config.publishAddress.length > 0 ? config.publishAddress : [firstAddress()]
  const work = async (leading: AbortSignal) => {
    serving.onChange = () => reporter.changed()
    reporter.changed()
    const published = { addresses, httpPort: ports.http, httpsPort: ports.https }
    await createControllerRunner(addressController, { ...tools, signal: leading }, published).run()
    serving.onChange = () => undefined
    reporter.stop()
  }
  const election = electionOf(config, tools.random)
  while (!signal.aborted) {
    await tools.lead(election, signal, work).catch((error: unknown) => {
      if (!(error instanceof LeadershipLost)) throw error
      // Requests are served all the same: only statuses are another copy's now.
      tools.log.warn('no longer leading', { error })
    })
  }
}

function followRoutes(
  { podRoutes: ranges }: IngressConfig,
  { ip = machineIp }: IngressParts,
  { informers, log }: ComponentTools,
): () => void {
  if (ranges.length === 0) return () => undefined
  const nodes = informers.of('v1', 'Node')
  return keepPodRoutes({ follow: (listener) => nodes.onChange((_key, current, previous) => listener(current, previous)), ranges, ip, log })
}

function measureCertificates({ metrics }: ComponentTools, serving: Serving): void {
  const help = 'When certificates run out, in seconds since the epoch.'
  metrics.gaugeFrom('coxswain_ingress_controller_ssl_expire_time_seconds', help, () =>
    [...serving.certificates.expiries()].map(({ secret, seconds }) => [{ secret }, seconds] as [Record<string, string>, number]),
  )
}

const dialPod: Dial = ({ address, port }) => connect({ host: address, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 })

function firstAddress(): string {
  const addresses = Object.values(networkInterfaces()).flat()
  return addresses.find((address) => address?.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.1'
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
}
