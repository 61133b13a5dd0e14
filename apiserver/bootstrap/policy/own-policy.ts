import { INGRESS_LEASE } from '../../../shared/ingress/ingress-class.ts'
import type { PolicyRule, Subject } from '../../../shared/openapi/generated/rbac-v1.ts'
import { systemGroup, systemUser } from '../../authn/system-names.ts'
import { account, EVENTS, group, named, paths, READ, rule, user } from './rule.ts'

/** One grant that upstream's policy does not have. */
interface OwnGrant {
  /** Name of the binding, and of the role where `rules` are given. */
  readonly name: string
  /** Why this cluster needs it. */
  readonly reason: string
  /** Absent: the whole cluster. */
  readonly namespace?: string
  /** Rules of a role of our own, or the name of one of upstream's cluster roles. */
  readonly grants: readonly PolicyRule[] | string
  readonly subjects: readonly Subject[]
}

const REQUESTS = 'system:certificates.k8s.io:certificatesigningrequests'

/**
 * What metrics-server brings with it: the metrics API is served here without it, and people read it by the roles they have.
 * Its name and labels are those that metrics-server's manifests would apply.
 */
export const metricsReader = {
  name: 'system:aggregated-metrics-reader',
  rules: [rule(READ, 'metrics.k8s.io', 'nodes pods')],
  partOf: ['admin', 'edit', 'view'],
} as const

/**
 * Where this cluster's policy is not upstream's: all of it, each with its reason. Upstream's own roles and bindings are never
 * widened; what is more has a name of ours.
 */
export const ownPolicy: readonly OwnGrant[] = [
  {
    name: 'coxswain:node-agents',
    reason:
      'kube-proxy and dns run beside the kubelet and use its certificate. A node cannot get tokens of accounts that none of its Pods ' +
      'use, and whoever takes a host over has the credentials of all three anyway.',
    grants: [rule('list watch', 'core', 'nodes services namespaces'), rule('list watch', 'discovery.k8s.io', 'endpointslices')],
    subjects: [group(systemGroup.nodes)],
  },
  {
    name: 'coxswain:ingress',
    reason:
      'Serves Ingresses: sees them, their classes and what is behind them, writes where they are served, and leads. It reads no Secrets by ' +
      'this role: those that an Ingress names for TLS are opened to it one by one (authz/ingress.ts).',
    grants: [
      rule('list watch', 'networking.k8s.io', 'ingresses ingressclasses'),
      rule('list watch', 'core', 'services nodes'),
      rule('list watch', 'discovery.k8s.io', 'endpointslices'),
      rule('update patch', 'networking.k8s.io', 'ingresses/status'),
      rule('create', 'coordination.k8s.io', 'leases'),
      named(INGRESS_LEASE, 'get update', 'coordination.k8s.io', 'leases'),
      EVENTS,
    ],
    subjects: [user(systemUser.ingress)],
  },
  {
    name: 'coxswain:network-policy',
    reason:
      'kube-proxy enforces NetworkPolicies, and a policy speaks of any Pod by its labels and those of its namespace, wherever it runs. ' +
      'The price: whoever takes a host over can read the specs of all Pods (not what is in Secrets).',
    grants: [rule('list watch', 'core', 'pods namespaces'), rule('list watch', 'networking.k8s.io', 'networkpolicies')],
    subjects: [group(systemGroup.nodes), user(systemUser.proxy)],
  },
  {
    name: 'coxswain:node-bootstrappers',
    reason: 'Worker hosts join with the join token alone; upstream leaves this to its installers.',
    grants: 'system:node-bootstrapper',
    subjects: [group(systemGroup.bootstrappers)],
  },
  {
    name: 'coxswain:joining-nodes-look',
    reason:
      'A host that joins sees whether its name is another living node’s, which it would push aside; kubeadm grants the same (kubeadm:get-nodes).',
    grants: [rule('get', 'core', 'nodes')],
    subjects: [group(systemGroup.bootstrappers)],
  },
  {
    name: 'coxswain:approve-joining-nodes',
    reason: 'A host that holds the join token becomes a node without a person’s approval; upstream leaves this to its installers.',
    grants: `${REQUESTS}:nodeclient`,
    subjects: [group(systemGroup.bootstrappers)],
  },
  {
    name: 'coxswain:approve-node-renewals',
    reason: 'Nodes renew their own client certificates; upstream leaves this to its installers.',
    grants: `${REQUESTS}:selfnodeclient`,
    subjects: [group(systemGroup.nodes)],
  },
  {
    name: 'coxswain:approve-kubelet-serving',
    reason:
      'Upstream approves no serving certificates of kubelets by itself. Here the approver does, for addresses that the Node has, so ' +
      'that the API server can check whom it talks to.',
    grants: 'system:certificates.k8s.io:kubelet-serving-approver',
    subjects: [account('certificate-controller')],
  },
  {
    name: 'coxswain:cloud-controller-manager',
    reason:
      'Upstream leaves this role to the manifests of each cloud. Here the process sees what it needs for its caches; what it ' +
      'changes is its controllers’ accounts’, which are upstream’s.',
    grants: [rule('list watch', 'core', 'nodes services'), rule('list watch', 'discovery.k8s.io', 'endpointslices'), EVENTS],
    subjects: [user(systemUser.cloudControllerManager)],
  },
  {
    name: 'coxswain:cloud-controller-manager:leading',
    reason: 'It leads by a Lease, and makes its controllers’ accounts and tokens: of these three and no others.',
    namespace: 'kube-system',
    grants: [
      rule('create', 'coordination.k8s.io', 'leases'),
      named('cloud-controller-manager', 'get update', 'coordination.k8s.io', 'leases'),
      rule('create', 'core', 'serviceaccounts'),
      named('node-controller route-controller service-controller', 'create', 'core', 'serviceaccounts/token'),
    ],
    subjects: [user(systemUser.cloudControllerManager)],
  },
  {
    name: 'coxswain:node-leases',
    reason:
      'Addresses of load balancers move away from nodes that have fallen silent: the cloud controller manager sees it by their Leases, ' +
      'kube-proxy by its own node’s.',
    namespace: 'kube-node-lease',
    grants: [rule('list watch', 'coordination.k8s.io', 'leases')],
    subjects: [user(systemUser.cloudControllerManager), group(systemGroup.nodes)],
  },
  {
    name: 'coxswain:dns-configuration',
    reason:
      'dns, which uses the node’s certificate, follows what people set for names in the whole cluster: this one ConfigMap and no other.',
    namespace: 'kube-system',
    grants: [named('kube-dns', READ, 'core', 'configmaps')],
    subjects: [group(systemGroup.nodes), user(systemUser.proxy)],
  },
  {
    name: 'coxswain:rewind',
    reason:
      'Whoever is known may ask which moments of the past are there, and what changed between two. What they see of objects is what they may get now.',
    grants: [paths('/rewind /rewind/changes')],
    subjects: [group(systemGroup.authenticated)],
  },
  {
    name: 'coxswain:cluster-info',
    reason: 'The public card of the cluster, for machines that do not trust it yet; upstream leaves this to its installers.',
    namespace: 'kube-public',
    grants: [named('cluster-info', 'get', 'core', 'configmaps')],
    subjects: [group(systemGroup.unauthenticated)],
  },
]
