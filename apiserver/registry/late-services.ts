import type { ResourceServices } from './define-resource.ts'

/**
 * Kinds are built with services that themselves read kinds. This stands in for the services until `fill` is called, which is
 * before the first request; kinds may take it apart at once, because every part asks for the real one when it is used.
 */
export function lateServices(): { services: ResourceServices; fill(real: ResourceServices): void } {
  let filled: ResourceServices | undefined
  const real = (): ResourceServices => {
    if (!filled) throw new Error('a service of the API server was used before the server was built')
    return filled
  }
  const services: ResourceServices = {
    clusterIPs: {
      get families() {
        return real().clusterIPs.families
      },
      take: (family, wanted) => real().clusterIPs.take(family, wanted),
      release: (address) => real().clusterIPs.release(address),
    },
    nodePorts: {
      take: (wanted, protocol) => real().nodePorts.take(wanted, protocol),
      release: (port, protocol) => real().nodePorts.release(port, protocol),
      get range() {
        return real().nodePorts.range
      },
    },
    tokens: {
      issue: (request) => real().tokens.issue(request),
      review: (token, audiences) => real().tokens.review(token, audiences),
    },
    authorize: (attributes) => real().authorize(attributes),
    rulesFor: (user, namespace) => real().rulesFor(user, namespace),
    usage: {
      ofNodes: (nodes) => real().usage.ofNodes(nodes),
      ofPods: (pods) => real().usage.ofPods(pods),
    },
    grants: {
      checkRole: (user, role, rules) => real().grants.checkRole(user, role, rules),
      checkBinding: (user, binding, roleRef) => real().grants.checkBinding(user, binding, roleRef),
    },
  }
  return { services, fill: (given) => (filled = given) }
}
