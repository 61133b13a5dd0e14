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
      'internalTrafficPolicy',
    except: {
      type: {
        ...{ is: 'warned', of: equal('LoadBalancer') },
        why: 'no load balancer will be made in this cluster: the Service is reached by its cluster IP and its node ports',
      },
      sessionAffinity: { is: 'warned', of: equal('ClientIP'), why: 'has no effect: each connection goes to any of the endpoints' },
      sessionAffinityConfig: { is: 'ignored', why: 'goes with `sessionAffinity: ClientIP`, which is warned of' },
      trafficDistribution: { is: 'warned', why: 'has no effect: all endpoints get the same share' },
      loadBalancerIP: forBalancers,
      loadBalancerSourceRanges: {
        is: 'ignored',
        why: 'left to the balancer: its address is not served here for a Service that restricts clients, so that nobody gets in beside it',
      },
      loadBalancerClass: forBalancers,
      allocateLoadBalancerNodePorts: forBalancers,
      healthCheckNodePort: forBalancers,
    },
  },
  ServicePort: { done: 'name protocol appProtocol port targetPort nodePort' },
}
