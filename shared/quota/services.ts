import type { KubeObject } from '../objects/object.ts'
import type { Service } from '../openapi/generated/core-v1.ts'
import type { Quantities } from '../pods/pod-quantities.ts'
import { quantityFromValue } from '../quantity/quantity.ts'
import { countName, one, type QuotaKind } from './quota-kind.ts'

const COUNT = countName('', 'services')
const names: ReadonlySet<string> = new Set([COUNT, 'services', 'services.nodeports', 'services.loadbalancers'])

/** Services: their number, and what they take of the nodes' ports and of the load balancers. Their type may change. */
export const serviceQuota: QuotaKind = {
  ...{ group: '', resource: 'services' },
  charges: (_operation, subresource) => subresource === '',
  counts: (name) => names.has(name),
  usage(object) {
    const usage: Quantities = new Map([
      [COUNT, one],
      ['services', one],
    ])
    if (!isService(object)) return usage
    const { type, ports = [], allocateLoadBalancerNodePorts } = object.spec
    if (type !== 'NodePort' && type !== 'LoadBalancer') return usage
    const counted = type === 'LoadBalancer' && allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort) : ports
    usage.set('services.nodeports', quantityFromValue(counted.length))
    if (type === 'LoadBalancer') usage.set('services.loadbalancers', one)
    return usage
  },
}

function isService(object: KubeObject): object is Service {
  return object.apiVersion === 'v1' && object.kind === 'Service'
}
