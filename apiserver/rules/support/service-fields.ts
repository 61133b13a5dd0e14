import type { Exception, SupportTable } from './field-support.ts'

const byTheProvider: Exception = {
  is: 'ignored',
  why: 'deprecated upstream, and up to the provider: the lab’s gives the address that is asked for when it is in its pool and free',
}

/** Everything that a ServiceSpec can say. */
export const serviceFields: SupportTable = {
  ServiceSpec: {
    done:
      'ports selector clusterIP clusterIPs externalIPs externalName externalTrafficPolicy publishNotReadyAddresses ipFamilies ipFamilyPolicy ' +
      'internalTrafficPolicy sessionAffinity sessionAffinityConfig loadBalancerSourceRanges type loadBalancerClass allocateLoadBalancerNodePorts ' +
      'trafficDistribution healthCheckNodePort',
    except: { loadBalancerIP: byTheProvider },
  },
  ServicePort: { done: 'name protocol appProtocol port targetPort nodePort' },
}
