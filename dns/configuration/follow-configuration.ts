import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Informer, Informers } from '../../shared/informer/informer.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { ConfigMap } from '../../shared/openapi/generated/core-v1.ts'
import { type ClusterPlace, type Configuration, ConfigurationError, defaultConfiguration, parseConfiguration } from './configuration.ts'

const CONFIGURATION = { namespace: 'kube-system', name: 'kube-dns' }

export interface FollowOptions {
  informers: Informers
  events: EventRecorder
  log: Logger
  place: ClusterPlace
  /** Called with each configuration that can be followed, the first time with what is there. */
  apply(configuration: Configuration): void
  /** Called whenever one was refused. */
  refused?: () => void
}

/** Follows the ConfigMap. One that cannot be read changes nothing: what was good stays, and an Event on the ConfigMap says what is wrong. */
export function followConfiguration(options: FollowOptions): Informer<ConfigMap> {
  const { informers, events, log, place, apply } = options
  const { namespace, name } = CONFIGURATION
  const informer = informers.of('v1', 'ConfigMap', { namespace, fieldSelector: `metadata.name=${name}` })
  informer.onChange((_key, current) => {
    if (!current) {
      log.info('no configuration: the node’s servers are asked for what is not the cluster’s')
      return apply(defaultConfiguration)
    }
    try {
      const configuration = parseConfiguration(current.data ?? {}, place)
      log.info('a configuration', summary(configuration))
      apply(configuration)
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
      log.error('the configuration is refused; the one before stays', { error })
      events.record(current, 'Warning', 'InvalidConfiguration', `${error.message}. The configuration before stays in force.`)
      options.refused?.()
    }
  })
  return informer
}

function summary({ stubDomains, upstreamNameservers, hosts, queryLog }: Configuration): Record<string, unknown> {
  return { stubDomains: [...stubDomains.keys()], upstreamNameservers: upstreamNameservers.length, hosts: hosts.size, queryLog }
}
