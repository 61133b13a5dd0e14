/**
 * Annotation of a Service whose load balancer addresses are announced by one node (answered for by ARP there): the node's name. Written by the
 * cloud controller manager's lab provider, followed by the kube-proxy of that node.
 */
export const ANNOUNCED_BY = 'coxswain.io/announced-by'
