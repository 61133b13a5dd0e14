import { type Exception, equal, type SupportTable } from './field-support.ts'

const forBalancers: Exception = {
  is: 'ignored',
  why: 'about load balancers from outside, of which there are none; `type: LoadBalancer` itself is warned of',
}

/** Everything that a ServiceSpec can say. */
export const serviceFields: SupportTable = {
  ServiceSpec: {
    done:
      'ports selector clusterIP clusterIPs externalIPs externalName externalTrafficPolicy publishNotReadyAddresses ipFamilies ipFamilyPolicy ' +
      'internalTrafficPolicy sessionAffinity sessionAffinityConfig loadBalancerSourceRanges',
    except: {
      type: {
        ...{ is: 'warned', of: equal('LoadBalancer') },
        why: 'no load balancer will be made in this cluster: the Service is reached by its cluster IP and its node ports',
      },
      trafficDistribution: { is: 'warned', why: 'has no effect: all endpoints get the same share' },
      loadBalancerIP: forBalancers,
      loadBalancerClass: forBalancers,
      allocateLoadBalancerNodePorts: forBalancers,
      healthCheckNodePort: forBalancers,
    },
  },
  ServicePort: { done: 'name protocol appProtocol port targetPort nodePort' },
}
