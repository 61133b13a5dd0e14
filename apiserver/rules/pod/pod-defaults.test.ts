import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pod, PodSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { defaultPodOnly, defaultPodSpec, defaultPullPolicy } from '../../../shared/pods/pod-defaults.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { qualityOfService } from './quality-of-service.ts'

const specOf = (spec: object): PodSpec => (decodeObject('v1', 'Pod', { spec }, { fieldValidation: 'Strict' }) as Pod).spec

test('fills in a pod, the same the second time', () => {
  const spec = specOf({
    containers: [
      {
        name: 'c',
        image: 'a:1',
        ports: [{ containerPort: 80 }],
        livenessProbe: { httpGet: { port: 80 } },
        readinessProbe: { grpc: { port: 1 } },
      },
    ],
    volumes: [
      { name: 'e' },
      { name: 'h', hostPath: { path: '/' } },
      { name: 's', secret: { secretName: 'x' } },
      { name: 'p', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
    ],
    serviceAccount: 'old-style',
  })
  defaultPodSpec(spec)
  const once = structuredClone(spec)
  defaultPodSpec(spec)
  assert.deepEqual(spec, once)
  assert.deepEqual(spec, {
    containers: [
      {
        ...{ name: 'c', image: 'a:1', ports: [{ containerPort: 80, protocol: 'TCP' }], resources: {}, imagePullPolicy: 'IfNotPresent' },
        ...{ terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' },
        livenessProbe: {
          httpGet: { port: 80, path: '/', scheme: 'HTTP' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        readinessProbe: { grpc: { port: 1, service: '' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
      },
    ],
    volumes: [
      { name: 'e', emptyDir: {} },
      { name: 'h', hostPath: { path: '/', type: '' } },
      { name: 's', secret: { secretName: 'x', defaultMode: 420 } },
      { name: 'p', projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }], defaultMode: 420 } },
    ],
    ...{ restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', schedulerName: 'default-scheduler', terminationGracePeriodSeconds: 30 },
    ...{ securityContext: {}, serviceAccount: 'old-style', serviceAccountName: 'old-style' },
  })
})

test('what Pods get and templates do not', () => {
  const spec = specOf({
    hostNetwork: true,
    containers: [
      { name: 'c', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } } },
    ],
  })
  defaultPodOnly(spec)
  assert.deepEqual(spec.containers[0]?.resources.requests, { cpu: '500m', memory: '1Gi' })
  assert.equal(spec.containers[0]?.ports?.[0]?.hostPort, 80)
  assert.equal(spec.enableServiceLinks, true)
})

test('the pull policy comes from the tag', () => {
  const cases: Record<string, string> = {
    ...{ nginx: 'Always', 'nginx:latest': 'Always', 'nginx:1': 'IfNotPresent', 'localhost:5000/nginx': 'Always' },
    ...{ 'localhost:5000/nginx:1': 'IfNotPresent', 'nginx@sha256:abc': 'IfNotPresent', 'nginx:latest@sha256:abc': 'IfNotPresent' },
  }
  for (const [image, policy] of Object.entries(cases)) assert.equal(defaultPullPolicy(image), policy, image)
})

test('quality of service', () => {
  const full = { limits: { cpu: '1', memory: '1Gi' } }
  const cases: [object[], string][] = [
    [[{}], 'BestEffort'],
    [[{ limits: { 'ephemeral-storage': '1Gi' } }], 'BestEffort'],
    [[{ requests: { cpu: '0' } }], 'BestEffort'],
    [[{ requests: { cpu: '1m' } }], 'Burstable'],
    [[full], 'Guaranteed'],
    [[{ ...full, requests: { cpu: '1000m', memory: '1024Mi' } }], 'Guaranteed'],
    [[{ ...full, requests: { cpu: '900m' } }], 'Burstable'],
    [[full, {}], 'Burstable'],
    [[{ limits: { cpu: '1' } }], 'Burstable'],
  ]
  for (const [parts, expected] of cases) {
    const spec = specOf({ containers: parts.map((resources, index) => ({ name: `c${index}`, resources: structuredClone(resources) })) })
    assert.equal(qualityOfService(spec), expected, JSON.stringify(parts))
  }
  assert.equal(qualityOfService(specOf({ containers: [{ name: 'c' }], resources: { limits: { cpu: '1', memory: '1Gi' } } })), 'Guaranteed')
})
