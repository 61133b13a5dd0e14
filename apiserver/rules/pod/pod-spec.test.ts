import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pod, PodSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { defaultPodOnly, defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { podCreationProblems, podProblems } from './pod-spec.ts'

function podOf(spec: object): Pod {
  const container = { name: 'c', image: 'nginx' }
  const pod = decodeObject(
    'v1',
    'Pod',
    { metadata: { name: 'p' }, spec: { containers: [container], ...structuredClone(spec) } },
    { fieldValidation: 'Strict' },
  ) as Pod
  defaultPodSpec(pod.spec)
  defaultPodOnly(pod.spec)
  return pod
}
const problemsOf = (spec: object) => [...podProblems(podOf(spec))].map((problem) => `${problem.path}: ${problem.message}`)
const inContainer = (fields: object) => ({ containers: [{ name: 'c', image: 'nginx', ...fields }] })

test('ordinary pods are accepted', () => {
  for (const spec of [
    {},
    inContainer({
      ports: [{ containerPort: 53, protocol: 'UDP' }, { containerPort: 53 }],
      env: [
        { name: 'A B', value: 'x' },
        { name: 'N', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } },
      ],
    }),
    inContainer({ resources: { requests: { cpu: '100m', 'example.com/gpu': 1 }, limits: { cpu: 1, 'example.com/gpu': 1 } } }),
    inContainer({
      livenessProbe: { httpGet: { port: 'http' } },
      lifecycle: { preStop: { sleep: { seconds: 5 } }, postStart: { exec: { command: ['x'] } } },
    }),
    {
      initContainers: [
        { name: 'i', image: 'x' },
        { name: 's', image: 'x', restartPolicy: 'Always', readinessProbe: { tcpSocket: { port: 1 } } },
      ],
    },
    {
      volumes: [{ name: 'v', configMap: { name: 'm', items: [{ key: 'k', path: 'a/b' }] } }, { name: 'w' }],
      ...inContainer({
        volumeMounts: [
          { name: 'v', mountPath: '/v' },
          { name: 'w', mountPath: '/w', subPath: 'a' },
        ],
      }),
    },
    {
      tolerations: [{ operator: 'Exists' }, { key: 'k', value: 'v' }],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      hostAliases: [{ ip: '10.0.0.1', hostnames: ['a.b'] }],
    },
    { dnsPolicy: 'None', dnsConfig: { nameservers: ['10.0.0.1'], searches: ['.', 'a_b.c.'] } },
    {
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { a: 'b' } } },
      ],
    },
  ]) {
    assert.deepEqual(problemsOf(spec), [], JSON.stringify(spec))
  }
})

test('each mistake is named where it is, in upstream words', () => {
  const cases: [object, string][] = [
    [{ containers: [] }, 'spec.containers: Required value'],
    [{ containers: [{ image: 'x' }] }, 'spec.containers[0].name: Required value'],
    [inContainer({ image: '' }), 'spec.containers[0].image: Required value'],
    [inContainer({ image: ' x' }), 'spec.containers[0].image: Invalid value: " x": must not have leading or trailing whitespace'],
    [
      inContainer({ imagePullPolicy: 'Sometimes' }),
      'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
    ],
    [inContainer({ ports: [{ containerPort: 0 }] }), 'spec.containers[0].ports[0].containerPort: Required value'],
    [
      inContainer({ ports: [{ containerPort: 65536 }] }),
      'spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive',
    ],
    [
      inContainer({ ports: [{ containerPort: 1, protocol: 'QUIC' }] }),
      'spec.containers[0].ports[0].protocol: Unsupported value: "QUIC": supported values: "SCTP", "TCP", "UDP"',
    ],
    [
      inContainer({
        ports: [
          { containerPort: 1, name: 'a' },
          { containerPort: 2, name: 'a' },
        ],
      }),
      'spec.containers[0].ports[1].name: Duplicate value: "a"',
    ],
    [
      inContainer({
        ports: [
          { containerPort: 1, hostPort: 80 },
          { containerPort: 2, hostPort: 80 },
        ],
      }),
      'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"',
    ],
    [
      { hostNetwork: true, ...inContainer({ ports: [{ containerPort: 1, hostPort: 2 }] }) },
      'spec.containers[0].ports[0].containerPort: Invalid value: 1: must match `hostPort` when `hostNetwork` is true',
    ],
    [inContainer({ env: [{ name: '' }] }), 'spec.containers[0].env[0].name: Required value'],
    [
      inContainer({ env: [{ name: 'a=b' }] }),
      'spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
    ],
    [
      inContainer({ env: [{ name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }),
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ],
    [
      inContainer({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.wrong' } } }] }),
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.wrong": error converting fieldPath: field label not supported: spec.wrong',
    ],
    [
      inContainer({ env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } }] }),
      'spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "2": only divisor\'s values 1m and 1 are supported with the cpu resource',
    ],
    [
      inContainer({ envFrom: [{}] }),
      'spec.containers[0].envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
    ],
    [inContainer({ volumeDevices: [{ name: 'x', devicePath: '/x' }] }), 'spec.containers[0].volumeDevices[0].name: Not found: "x"'],
    [
      { volumes: [{ name: 'v' }], ...inContainer({ volumeDevices: [{ name: 'v', devicePath: '/x' }] }) },
      'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
    ],
    ...[
      [[{ name: 'v', devicePath: '/a/../x' }], 'volumeDevices[0].devicePath: Invalid value: "/a/../x": must not contain \'..\''],
      [
        [{ name: 'v', devicePath: '/m' }],
        'volumeDevices[0].devicePath: Invalid value: "/m": must not already exist as a path in volumeMounts',
      ],
      [[{ name: 'm', devicePath: '/x' }], 'volumeDevices[0].name: Invalid value: "m": must not already exist in volumeMounts'],
      [
        [
          { name: 'v', devicePath: '/x' },
          { name: 'w', devicePath: '/x' },
        ],
        'volumeDevices[1].devicePath: Invalid value: "/x": must be unique',
      ],
      [
        [
          { name: 'v', devicePath: '/x' },
          { name: 'v', devicePath: '/y' },
        ],
        'volumeDevices[1].name: Invalid value: "v": must be unique',
      ],
    ].map(([volumeDevices, problem]): [object, string] => [
      {
        volumes: ['v', 'w', 'm'].map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
        ...inContainer({ volumeDevices, volumeMounts: [{ name: 'm', mountPath: '/m' }] }),
      },
      `spec.containers[0].${problem}`,
    ]),
    [inContainer({ volumeMounts: [{ name: 'x', mountPath: '/x' }] }), 'spec.containers[0].volumeMounts[0].name: Not found: "x"'],
    [
      {
        volumes: [{ name: 'v' }],
        ...inContainer({
          volumeMounts: [
            { name: 'v', mountPath: '/x' },
            { name: 'v', mountPath: '/x' },
          ],
        }),
      },
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique',
    ],
    [
      { volumes: [{ name: 'v' }], ...inContainer({ volumeMounts: [{ name: 'v', mountPath: '/x', subPath: '../y' }] }) },
      'spec.containers[0].volumeMounts[0].subPath: Invalid value: "../y": must not contain \'..\'',
    ],
    [inContainer({ livenessProbe: {} }), 'spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    [
      inContainer({ livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } }),
      'spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
    ],
    [
      inContainer({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }),
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
    ],
    [
      inContainer({ readinessProbe: { httpGet: { port: 0 } } }),
      'spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [
      inContainer({ readinessProbe: { grpc: { port: 1 }, terminationGracePeriodSeconds: 1 } }),
      'spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes',
    ],
    [
      inContainer({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }),
      'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)',
    ],
    [
      inContainer({ resources: { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } } }),
      'spec.containers[0].resources.requests: Invalid value: "2Gi": must be less than or equal to memory limit of 1Gi',
    ],
    [
      inContainer({ resources: { requests: { 'a.b/c': '1' } } }),
      'spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources',
    ],
    [
      inContainer({ resources: { limits: { 'a.b/c': '1500m' } } }),
      'spec.containers[0].resources.limits[a.b/c]: Invalid value: "1500m": must be an integer',
    ],
    [
      inContainer({ resources: { limits: { cpu: '-1' } } }),
      'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ],
    [
      inContainer({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
      'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    ],
    [{ initContainers: [{ name: 'c', image: 'x' }] }, 'spec.initContainers[0].name: Duplicate value: "c"'],
    [
      { initContainers: [{ name: 'i', image: 'x', livenessProbe: { tcpSocket: { port: 1 } } }] },
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
    [{ volumes: [{ name: 'v' }, { name: 'v' }] }, 'spec.volumes[1].name: Duplicate value: "v"'],
    [
      { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] },
      'spec.volumes[0].emptyDir: Forbidden: may not specify more than 1 volume type',
    ],
    [
      { volumes: [{ name: 'v', hostPath: { path: '/a/../b' } }] },
      'spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
    ],
    [{ volumes: [{ name: 'v', secret: {} }] }, 'spec.volumes[0].secret.secretName: Required value'],
    [
      { volumes: [{ name: 'v', secret: { secretName: 's', defaultMode: 512 } }] },
      'spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
    ],
    [
      { volumes: [{ name: 'v', configMap: { name: 'm', items: [{ key: 'k', path: '/abs' }] } }] },
      'spec.volumes[0].configMap.items[0].path: Invalid value: "/abs": must be a relative path',
    ],
    [
      { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 1 } }] } }] },
      'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
    ],
    [
      { volumes: [{ name: 'v', downwardAPI: { items: [{ path: 'p' }] } }] },
      'spec.volumes[0].downwardAPI.items[0]: Required value: one of fieldRef and resourceFieldRef is required',
    ],
    [{ restartPolicy: 'Maybe' }, 'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
    [{ dnsPolicy: 'None' }, 'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
    [{ activeDeadlineSeconds: -1 }, 'spec.activeDeadlineSeconds: Invalid value: -1: must be between 1 and 2147483647, inclusive'],
    [
      { tolerations: [{ operator: 'Equal' }] },
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
    [
      { tolerations: [{ key: 'a', tolerationSeconds: 1 }] },
      'spec.tolerations[0].effect: Invalid value: "": effect must be \'NoExecute\' when `tolerationSeconds` is set',
    ],
    [
      { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } } },
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
    ],
    [
      {
        affinity: {
          podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, podAffinityTerm: { topologyKey: 'a' } }] },
        },
      },
      'spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100',
    ],
    [
      { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'a', whenUnsatisfiable: 'ScheduleAnyway' }] },
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
    ],
    [{ schedulingGates: [{ name: 'a' }, { name: 'a' }] }, 'spec.schedulingGates[1]: Duplicate value: "a"'],
    [
      { hostAliases: [{ ip: 'x' }] },
      'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [
      { hostPID: true, shareProcessNamespace: true },
      'spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
    ],
    ...(['hostNetwork', 'hostPID', 'hostIPC'] as const).map((field): [Partial<PodSpec>, string] => [
      { hostUsers: false, [field]: true },
      `spec.${field}: Forbidden: when \`hostUsers\` is false`,
    ]),
    [
      { securityContext: { runAsUser: -1 } },
      'spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ],
  ]
  for (const [spec, expected] of cases) {
    const found = problemsOf(spec)
    assert.ok(found.includes(expected), `${JSON.stringify(spec)}\n  wanted ${expected}\n  found  ${found.join('\n         ')}`)
  }
})

test('what only a new pod may not have', () => {
  const refused = (spec: object) => [...podCreationProblems(podOf(spec))].map((problem) => problem.path)
  assert.deepEqual(refused({ schedulingGates: [{ name: 'g' }], nodeName: 'n' }), ['spec.nodeName'])
  assert.deepEqual(refused({ ephemeralContainers: [{ name: 'e', image: 'x' }] }), ['spec.ephemeralContainers'])
  assert.deepEqual(refused({}), [])
})

test('amounts of a whole pod: filled in from its containers, else from its limits, and never less than they ask for', () => {
  const asks = (cpu: string, limit?: string) => ({
    name: 'c',
    image: 'x',
    resources: { requests: { cpu }, ...(limit ? { limits: { cpu: limit } } : {}) },
  })
  const pod = (resources: object, containers: object[] = [asks('100m')]) => ({ resources, containers })
  assert.deepEqual(podOf(pod({ limits: { cpu: '1', memory: '1Gi' } })).spec.resources?.requests, { cpu: '100m', memory: '1Gi' })
  assert.deepEqual(podOf(pod({ requests: { cpu: '300m' } })).spec.resources?.requests, { cpu: '300m' })
  assert.deepEqual(problemsOf(pod({ limits: { cpu: '1', memory: '1Gi' } }, [asks('100m', '1')])), [])
  for (const [spec, expected] of [
    [
      pod({ requests: { cpu: '50m' } }),
      'spec.resources.requests[cpu]: Invalid value: "50m": must be greater than or equal to aggregate container requests of 100m',
    ],
    [
      pod({ limits: { cpu: '1' } }, [asks('100m', '2')]),
      'spec.containers[0].resources.limits[cpu]: Invalid value: "2": must be less than or equal to pod limits of 1',
    ],
    [
      pod({ limits: { 'ephemeral-storage': '1Gi' } }),
      'spec.resources.limits: Unsupported value: "ephemeral-storage": supported values: "cpu", "memory", "hugepages-"',
    ],
    [pod({ claims: [{ name: 'x' }] }), 'spec.resources.claims: Forbidden: claims cannot be set for Resources at pod-level'],
  ] as const) {
    assert.ok(problemsOf(spec).includes(expected), problemsOf(spec).join('\n'))
  }
})
