import { isIP } from 'node:net'
import { admissionPolicyBodies } from './admission-policy-bodies.ts'
import { configMap, deployment, node, pod, service, serviceAccount } from './bodies.ts'
import { smallestDefinition } from './custom-definitions.ts'
import { storageBodies } from './storage-bodies.ts'

/** One resource as discovery lists it. */
export interface DiscoveredResource {
  /** Where its paths begin: `/api/v1`, `/apis/apps/v1`. */
  readonly prefix: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  /** Without the plural and the slash. */
  readonly subresources: readonly string[]
}

type Fetch = (path: string) => Promise<unknown>

interface ResourceLists {
  groups?: { versions: { groupVersion: string }[] }[]
  resources?: { name: string; kind: string; namespaced: boolean; verbs: string[] }[]
}

/** Everything that the server says it serves: a kind that is added is in every test that goes over these. */
export async function discoverResources(fetch: Fetch): Promise<DiscoveredResource[]> {
  const groups = (await fetch('/apis')) as ResourceLists
  const prefixes = [
    '/api/v1',
    ...(groups.groups ?? []).flatMap(({ versions }) => versions.map(({ groupVersion }) => `/apis/${groupVersion}`)),
  ]
  const found = await Promise.all(
    prefixes.map(async (prefix) => {
      const { resources = [] } = (await fetch(prefix)) as ResourceLists
      return resources
        .filter(({ name }) => !name.includes('/'))
        .map(({ name, kind, namespaced, verbs }): DiscoveredResource => {
          const subresources = resources.flatMap((each) => (each.name.startsWith(`${name}/`) ? [each.name.slice(name.length + 1)] : []))
          return { prefix, plural: name, kind, namespaced, verbs, subresources }
        })
    }),
  )
  return found.flat()
}

const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } }
const endingTemplate = { spec: { ...template.spec, restartPolicy: 'Never' } }
const rbac = 'rbac.authorization.k8s.io/v1'
const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }
const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'nobody' }]

/** For the name `x`, in PEM, in base64. */
const certificateRequest = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIR01HNENBUUF3RERFS01BZ0dBMVVFQXd3QmVEQlpNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NN',
  'NDlBd0VIQTBJQQpCTFc1RE92eG85QWZzLzZ5KytaL3R4bEMxSUFTeVp1Mk9OaWhtK0tnck82R0xqMmluMVlRVklOQisxTUpKVGRnCmw1VUNiaVpwYWxXV0RV',
  'Yzg1eUk3OGVLZ0FEQUtCZ2dxaGtqT1BRUURBZ05JQURCRkFpQjdaKzZlaVREWS80R3YKMmJPOXN1UVFqNGxRYUx0MzZNcy9SaUk0K0VrN2h3SWhBT0ExN1pz',
  'TXhUYlZ0Sk4wQktVUjcwSEh4bm9oRXNJOQp5cVNGaDNtUGl4MzYKLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==',
].join('')

/** A webhook that is asked about nothing that there is. */
export function webhookConfiguration(kind: string, name: string) {
  const rule = { operations: ['CREATE'], apiGroups: ['nothing.example.com'], apiVersions: ['v1'], resources: ['nothings'] }
  const webhook = {
    ...{ name: 'hook.example.com', rules: [rule], failurePolicy: 'Ignore', sideEffects: 'None', admissionReviewVersions: ['v1'] },
    clientConfig: { service: { namespace: 'default', name: 'hook' } },
  }
  return { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name }, webhooks: [webhook] }
}

/** IPAddresses have addresses as names: another one for each name. */
function addressFor(name: string): string {
  return isIP(name) > 0 ? name : `192.0.2.${1 + (Array.from(name).reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 250)}`
}

const makers: Readonly<Record<string, (name: string, namespace: string) => object>> = {
  // Its name says which version of which group it is about: one that nobody serves.
  APIService(name) {
    const dot = name.indexOf('.')
    const [version, group] = dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)]
    const spec = { group: group || 'unserved.example.com', version, groupPriorityMinimum: 100, versionPriority: 10 }
    return { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: `${spec.version}.${spec.group}` }, spec }
  },
  ConfigMap: (name) => configMap(name),
  ControllerRevision: (name) => ({ apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name }, revision: 1, data: {} }),
  // Its name says what it defines.
  CustomResourceDefinition(name) {
    const dot = name.indexOf('.')
    return dot < 0 ? smallestDefinition(name, 'kinds.example.com') : smallestDefinition(name.slice(0, dot), name.slice(dot + 1))
  },
  DaemonSet: (name) => ({
    ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name } },
    // For no node: these are made to be looked at.
    spec: { selector: { matchLabels: { app: 'x' } }, template: { ...template, spec: { ...template.spec, nodeSelector: { no: 'node' } } } },
  }),
  CronJob: (name) => ({
    ...{ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name } },
    spec: { schedule: '0 0 1 1 *', suspend: true, jobTemplate: { spec: { template: endingTemplate } } },
  }),
  Deployment: (name) => deployment(name),
  Endpoints: (name) => ({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name } }),
  EndpointSlice: (name) => ({
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name }, addressType: 'IPv4', endpoints: [] },
  }),
  Event: (name, namespace) => ({
    ...{ apiVersion: 'v1', kind: 'Event', metadata: { name }, involvedObject: { kind: 'Pod', namespace, name: 'x' } },
    ...{ reason: 'Tested', type: 'Normal', source: { component: 'test' } },
  }),
  'events.k8s.io/v1 Event': (name, namespace) => ({
    ...{ kind: 'Event', metadata: { name }, regarding: { kind: 'Pod', namespace, name: 'x' }, eventTime: '2026-01-01T00:00:00.000000Z' },
    ...{ reason: 'Tested', type: 'Normal', action: 'Test', reportingController: 'test', reportingInstance: 'test-1' },
  }),
  FlowSchema: (name) => ({
    ...{ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name } },
    spec: { matchingPrecedence: 9_000, priorityLevelConfiguration: { name: 'workload-low' }, rules: [] },
  }),
  HorizontalPodAutoscaler: (name) => ({
    ...{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name } },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' }, maxReplicas: 3 },
  }),
  MutatingWebhookConfiguration: (name) => webhookConfiguration('MutatingWebhookConfiguration', name),
  ValidatingWebhookConfiguration: (name) => webhookConfiguration('ValidatingWebhookConfiguration', name),
  ValidatingAdmissionPolicy: (name) => admissionPolicyBodies(name).validating,
  ValidatingAdmissionPolicyBinding: (name) => admissionPolicyBodies(name).validatingBinding,
  MutatingAdmissionPolicy: (name) => admissionPolicyBodies(name).mutating,
  MutatingAdmissionPolicyBinding: (name) => admissionPolicyBodies(name).mutatingBinding,
  Ingress: (name) => ({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name } },
    spec: { defaultBackend: { service: { name: 'x', port: { number: 80 } } } },
  }),
  IPAddress: (name, namespace) => ({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name: addressFor(name) } },
    spec: { parentRef: { resource: 'services', namespace, name: 'x' } },
  }),
  ServiceCIDR: (name) => ({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs: ['192.0.2.0/28'] } },
  }),
  IngressClass: (name) => ({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name }, spec: { controller: 'example.com/tests' } },
  }),
  Job: (name) => ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { suspend: true, template: endingTemplate } }),
  Lease: (name) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: {} }),
  LimitRange: (name) => ({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name }, spec: { limits: [] } }),
  Namespace: (name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
  Node: node,
  Pod: (name) => pod(name),
  NetworkPolicy: (name) => ({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name } },
    spec: { podSelector: { matchLabels: { app: 'x' } } },
  }),
  PodDisruptionBudget: (name) => ({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec: { minAvailable: 1 } }),
  PodTemplate: (name) => ({ apiVersion: 'v1', kind: 'PodTemplate', metadata: { name }, template }),
  PriorityLevelConfiguration: (name) => ({
    ...{ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'PriorityLevelConfiguration', metadata: { name } },
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Reject' } } },
  }),
  PriorityClass: (name) => ({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value: 1 }),
  ReplicaSet: (name) => ({
    ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name } },
    spec: { replicas: 0, selector: { matchLabels: { app: 'x' } }, template },
  }),
  ReplicationController: (name) => ({
    ...{ apiVersion: 'v1', kind: 'ReplicationController', metadata: { name } },
    spec: { replicas: 0, selector: { app: 'x' }, template },
  }),
  StatefulSet: (name) => ({
    ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name } },
    spec: { replicas: 0, serviceName: 'x', selector: { matchLabels: { app: 'x' } }, template },
  }),
  ResourceQuota: (name) => ({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec: { hard: { pods: '1k' } } }),
  RuntimeClass: (name) => ({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name }, handler: 'runc' }),
  Secret: (name) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { key: 'value' } }),
  Service: (name) => service(name),
  ServiceAccount: serviceAccount,
  Role: (name) => ({ apiVersion: rbac, kind: 'Role', metadata: { name }, rules: [] }),
  ClusterRole: (name) => ({ apiVersion: rbac, kind: 'ClusterRole', metadata: { name }, rules: [] }),
  RoleBinding: (name) => ({ apiVersion: rbac, kind: 'RoleBinding', metadata: { name }, roleRef, subjects }),
  ClusterRoleBinding: (name) => ({ apiVersion: rbac, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects }),
  CertificateSigningRequest: (name) => ({
    ...{ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name } },
    spec: {
      ...{ signerName: 'example.com/tests', usages: ['client auth'] },
      request: certificateRequest,
    },
  }),
}

/** A valid object of a kind as a client creates it. @throws Error for a kind that this file has none of yet */
export function bodyOf(resource: DiscoveredResource, name: string, namespace = 'default'): object {
  const apiVersion = resource.prefix.replace(/^\/apis?\//, '')
  const make =
    makers[`${apiVersion} ${resource.kind}`] ??
    makers[resource.kind] ??
    (() => storageBodies(name).find(({ kind }) => kind === resource.kind))
  const body = make(name, namespace)
  if (!body) throw new Error(`test/harness/every-kind.ts needs a valid ${resource.kind}, so that tests over every kind reach it`)
  // A body is valid in every version of its kind that has none of its own.
  return { ...body, apiVersion }
}
