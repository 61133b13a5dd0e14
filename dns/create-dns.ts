import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { canonicalAddress } from '../shared/addresses/ip-address.ts'
import { familyOf } from '../shared/addresses/ip-families.ts'
import { packetWords } from '../shared/addresses/packet-words.ts'
import type { Informers } from '../shared/informer/informer.ts'
import type { Service as ClusterService } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { createComponent } from '../shared/process/component.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { DnsConfig } from './config.ts'
import type { Configuration } from './configuration/configuration.ts'
import { followConfiguration } from './configuration/follow-configuration.ts'
import { createOutside } from './create-outside.ts'
import { dnsMetrics } from './dns-metrics.ts'
import { type HostAddress, HostZone, hostAddress } from './host-zone.ts'
import { withQueryLog } from './query-log.ts'
import { Resolver } from './resolver.ts'
import { DnsServer } from './server.ts'
import type { ZoneSource } from './zone.ts'

/** How long the first answer waits for what people set. */
const CONFIGURATION_MILLISECONDS = 2_000

/** Builds the DNS server of one node; nothing listens before `start`. */
export function createDns(config: DnsConfig, tools: ProcessTools): Service {
  return createComponent('dns', config, tools, ({ informers, events, metrics, clock, random, log }) => {
    const zone = new HostZone(config.clusterDomain, zoneSource(informers), config.clusterDns, hostOf(config, informers))
    const place = { domain: config.clusterDomain.toLowerCase(), own: config.clusterDns }
    const counts = dnsMetrics(metrics)
    const outside = createOutside({ ...place, resolvConf: config.resolvConf, counts }, { clock, random, log })
    let isLogging = false
    const observer = withQueryLog(counts, log, () => isLogging)
    const resolver = new Resolver({ zone, outside, observer, clock, random, log })
    const apply = (configuration: Configuration) => {
      isLogging = configuration.queryLog
      outside.configure(configuration)
    }
    let listening = false
    return {
      ready: { listening: () => (listening ? undefined : `nothing listens on ${config.clusterDns.join(', ')} yet`) },
      async run(signal) {
        await outside.prepare()
        // Only now, so that an API server that does not let us read it, or not soon, does not keep names from being answered.
        const configuration = followConfiguration({ informers, events, log, place, apply, refused: () => counts.refusedConfiguration() })
        await Promise.race([configuration.whenSynced(signal), clock.sleep(CONFIGURATION_MILLISECONDS, signal)]).catch((error: unknown) => {
          if (!signal.aborted) throw error
        })
        // The caches are filled by now: whatever is missing is missing.
        const servers = config.clusterDns.map(
          (address) => new DnsServer((message, overTcp, client) => resolver.answer(message, overTcp, client), log, familyOf(address)),
        )
        for (const [index, address] of config.clusterDns.entries()) {
          await ownAddress(address)
          await servers[index]?.listen(address, config.port)
        }
        listening = true
        log.info('answering', { address: config.clusterDns.join(', '), domain: config.clusterDomain })
        await new Promise<void>((resolve) =>
          signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
        )
        await Promise.all(servers.map((server) => server.close()))
      },
    }
  })
}

/** The address stays when we stop: the next copy wants it, and until then a query is refused at once instead of lost. */
async function ownAddress(address: string): Promise<void> {
  if (address.startsWith('127.') || address === '::1') return
  const { single } = packetWords(familyOf(address))
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`
  await promisify(execFile)('ip', ['addr', 'replace', `${address}/${single}`, ...(single === 128 ? ['nodad'] : []), 'dev', 'lo'], {
    env: { ...process.env, PATH: path },
  })
}

function hostOf({ hostAddress: wish, nodeName }: DnsConfig, informers: Informers): HostAddress {
  if (wish !== 'node' || nodeName === '') return hostAddress(wish, () => undefined)
  const nodes = informers.of('v1', 'Node', { fieldSelector: `metadata.name=${nodeName}` })
  return hostAddress(wish, () => nodes.cache.get(nodeName))
}

function zoneSource(informers: Informers): ZoneSource {
  const namespaces = informers.of('v1', 'Namespace')
  const services = informers.of('v1', 'Service', {}, { address: clusterIpsOf })
  const slices = informers.of('discovery.k8s.io/v1', 'EndpointSlice', {}, { service: serviceOf, address: addressesOf })
  return {
    service: (namespace, name) => services.cache.get(`${namespace}/${name}`),
    slices: (namespace, name) => slices.cache.lookup('service', `${namespace}/${name}`),
    serviceOfAddress: (address) => services.cache.lookup('address', address)[0],
    slicesOfAddress: (address) => slices.cache.lookup('address', address),
    hasNamespace: (name) => namespaces.cache.get(name) !== undefined,
  }
}

function clusterIpsOf({ spec }: ClusterService): string[] {
  return canonical(spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []))
}

function serviceOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.['kubernetes.io/service-name']
  return name === undefined ? undefined : `${slice.metadata.namespace}/${name}`
}

function addressesOf(slice: EndpointSlice): string[] {
  return canonical((slice.endpoints ?? []).flatMap(({ addresses }) => addresses))
}

/** Those that are addresses (`None` is none), in the spelling that questions are looked up by. */
function canonical(addresses: readonly string[]): string[] {
  return addresses.flatMap((address) => canonicalAddress(address) ?? [])
}
