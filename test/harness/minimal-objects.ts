import { admissionPolicyBodies } from './admission-policy-bodies.ts'
import { configMap, deployment, node, pod, service, serviceAccount } from './bodies.ts'
import { smallestDefinition } from './custom-definitions.ts'
import { webhookConfiguration } from './every-kind.ts'
import { storageBodies } from './storage-bodies.ts'

const NAME = 'a'
const template = { metadata: { labels: { app: NAME } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } }
const jobSpec = {
  ...{ completionMode: 'Indexed', completions: 3, suspend: true, backoffLimitPerIndex: 1 },
  podFailurePolicy: {
    rules: [
      { action: 'FailJob', onExitCodes: { operator: 'In', values: [3] } },
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
    ],
  },
  successPolicy: { rules: [{ succeededIndexes: '0,2', succeededCount: 1 }] },
  template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } },
}
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: NAME }
const rbac = 'rbac.authorization.k8s.io'
const flowcontrol = 'flowcontrol.apiserver.k8s.io/v1'
const request = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n').toString('base64')

/** A small valid object of each kind that is served, by `apiVersion/Kind`: where tests of all kinds begin. */
export const minimalObjects: ReadonlyMap<string, object> = new Map(
  [
    configMap(NAME, { data: { a: 'b' } }),
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: NAME },
      subsets: [{ addresses: [{ ip: '10.9.9.9' }], ports: [{ port: 80 }] }],
    },
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: NAME, namespace: 'default' },
      involvedObject: { kind: 'Pod', name: NAME, namespace: 'default' },
      reason: 'Tested',
      message: 'it was',
      type: 'Normal',
    },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAME } },
    node(NAME),
    pod(NAME),
    { apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: NAME }, template },
    { apiVersion: 'v1', kind: 'ReplicationController', metadata: { name: NAME }, spec: { replicas: 1, selector: { app: NAME }, template } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: NAME }, stringData: { a: 'b' } },
    service(NAME),
    serviceAccount(NAME),
    { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: NAME }, revision: 1, data: { a: 1 } },
    deployment(NAME),
    { ...deployment(NAME), kind: 'ReplicaSet' },
    { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: NAME }, spec: { selector: { matchLabels: { app: NAME } }, template } },
    {
      ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: NAME } },
      spec: { serviceName: NAME, selector: { matchLabels: { app: NAME } }, template },
    },
    { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: NAME }, spec: jobSpec },
    {
      ...{ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: NAME } },
      spec: { schedule: '@yearly', timeZone: 'Etc/UTC', suspend: true, jobTemplate: { spec: jobSpec } },
    },
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'x' } },
    { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    ...['SubjectAccessReview', 'LocalSubjectAccessReview', 'SelfSubjectAccessReview'].map((kind) => ({
      apiVersion: 'authorization.k8s.io/v1',
      kind,
      spec: {
        ...(kind.startsWith('Self') ? {} : { user: NAME }),
        resourceAttributes: { namespace: 'default', verb: 'get', resource: 'pods' },
      },
    })),
    { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace: 'default' } },
    {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: NAME },
      spec: { request, signerName: 'example.com/a', usages: ['client auth'] },
    },
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: NAME }, spec: { holderIdentity: NAME } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: NAME },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.9.9.9'] }],
      ports: [{ port: 80 }],
    },
    ...['Role', 'ClusterRole'].map((kind) => ({
      apiVersion: `${rbac}/v1`,
      kind,
      metadata: { name: NAME },
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
    })),
    ...['RoleBinding', 'ClusterRoleBinding'].map((kind) => ({
      apiVersion: `${rbac}/v1`,
      kind,
      metadata: { name: NAME },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', apiGroup: rbac, name: NAME }],
    })),
    ...storageBodies(NAME),
    smallestDefinition('things', 'kinds.example.com'),
    {
      ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: NAME }, eventTime: '2026-01-01T00:00:00.000000Z' },
      ...{ type: 'Normal', reason: 'Tried', action: 'Try', reportingController: 'test', reportingInstance: 'test-1' },
      regarding: { kind: 'Namespace', namespace: 'default', name: 'default' },
    },
    {
      ...{ apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: NAME } },
      spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
    },
    {
      ...{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: NAME } },
      spec: {
        ...{ scaleTargetRef, maxReplicas: 3 },
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          { type: 'Pods', pods: { metric: { name: NAME }, target: { type: 'AverageValue', averageValue: '1k' } } },
        ],
        behavior: { scaleDown: { policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }] } },
      },
    },
    { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: NAME }, spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
    { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: NAME }, spec: { hard: { pods: '1k' } } },
    {
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: NAME } },
      spec: {
        ingressClassName: NAME,
        defaultBackend: { resource: { apiGroup: 'example.com', kind: 'Bucket', name: NAME } },
        tls: [{ hosts: ['*.example.com'], secretName: NAME }],
        rules: [
          {
            host: '*.example.com',
            http: { paths: [{ path: '/a', pathType: 'Prefix', backend: { service: { name: NAME, port: { name: 'http' } } } }] },
          },
        ],
      },
    },
    webhookConfiguration('MutatingWebhookConfiguration', NAME),
    webhookConfiguration('ValidatingWebhookConfiguration', NAME),
    ...Object.values(admissionPolicyBodies(NAME)),
    {
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: NAME } },
      spec: {
        controller: 'example.com/a',
        parameters: { apiGroup: 'example.com', kind: 'Settings', name: NAME, scope: 'Namespace', namespace: NAME },
      },
    },
    {
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name: '192.0.2.1' } },
      spec: { parentRef: { group: 'example.com', resource: 'gateways', namespace: NAME, name: NAME } },
    },
    {
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: NAME } },
      spec: { cidrs: ['192.0.2.0/28', '2001:db8::/112'] },
    },
    {
      ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.unserved.example.com' } },
      spec: {
        group: 'unserved.example.com',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 10,
        service: { namespace: NAME, name: NAME },
      },
    },
    { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: NAME }, handler: 'runc' },
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: NAME }, spec: { minAvailable: 1 } },
    {
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: NAME } },
      spec: {
        podSelector: { matchLabels: { app: NAME } },
        ingress: [
          { from: [{ namespaceSelector: {}, podSelector: {} }], ports: [{ port: 'http' }, { port: 1, endPort: 9, protocol: 'UDP' }] },
        ],
        egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }],
      },
    },
    { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: NAME }, value: 1 },
    {
      ...{ apiVersion: flowcontrol, kind: 'FlowSchema', metadata: { name: NAME } },
      spec: {
        ...{ matchingPrecedence: 9_000, priorityLevelConfiguration: { name: 'workload-low' }, distinguisherMethod: { type: 'ByUser' } },
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: NAME } }],
            resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: [NAME] }],
            nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/version'] }],
          },
        ],
      },
    },
    {
      ...{ apiVersion: flowcontrol, kind: 'PriorityLevelConfiguration', metadata: { name: NAME } },
      spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: { queues: 8, handSize: 2, queueLengthLimit: 5 } } } },
    },
  ].map((object) => [`${object.apiVersion}/${object.kind}`, object]),
)
