import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pod } from '../../../shared/openapi/generated/core-v1.ts'
import { defaultPodOnly, defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { podResizeProblems, restrictToResize } from './pod-resize.ts'
import { podProblems } from './pod-spec.ts'
import { MIRROR_ANNOTATION } from './pod-update.ts'

const burstable = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } }
const container = (resources: object = burstable, more: object = {}) => ({ name: 'c', image: 'x', resources, ...more })

function podOf(spec: object = {}, more: object = {}): Pod {
  const given = { metadata: { name: 'p' }, spec: { containers: [container()], ...structuredClone(spec) }, ...structuredClone(more) }
  const pod = decodeObject('v1', 'Pod', given, { fieldValidation: 'Strict' }) as Pod
  defaultPodSpec(pod.spec)
  defaultPodOnly(pod.spec)
  return pod
}

/** What is said of the wish, after everything was dropped that the sub-resource may not touch. */
function problems(next: object, previous: object = {}, more: object = {}): string[] {
  const [wish, pod] = [podOf(next, more), podOf(previous, more)]
  restrictToResize(wish, pod)
  return [...podResizeProblems(wish, pod)].map(({ path, message }) => `${path}: ${message}`)
}
const sized = (requests: object, limits: object = burstable.limits) => ({ containers: [container({ requests, limits })] })

test('a resize changes resources of containers and nothing else of the pod', () => {
  const previous = podOf({}, { status: { phase: 'Running' } })
  const wish = podOf(
    { containers: [container({ requests: { cpu: '150m' } }, { image: 'other', command: ['x'] })], nodeName: 'elsewhere' },
    { metadata: { name: 'p', labels: { a: 'b' } }, status: { phase: 'Failed' } },
  )
  restrictToResize(wish, previous)
  assert.deepEqual(wish.spec.containers[0]?.resources.requests, { cpu: '150m' })
  assert.equal(wish.spec.containers[0]?.image, 'x')
  assert.equal(wish.spec.containers[0]?.command, undefined)
  assert.deepEqual([wish.spec.nodeName, wish.metadata.labels, wish.status.phase], [undefined, undefined, 'Running'])
  assert.deepEqual(previous, podOf({}, { status: { phase: 'Running' } }))
})

test('CPU and memory go up and down, limits may come, sidecars too', () => {
  assert.deepEqual(problems(sized({ cpu: '50m', memory: '100Mi' }, { cpu: '1', memory: '100Mi' })), [])
  const withoutLimit = sized({ cpu: '100m' }, {})
  assert.deepEqual(problems(sized({ cpu: '100m' }, { cpu: '200m' }), withoutLimit), [])
  const sidecar = (cpu: string) => ({
    initContainers: [{ name: 's', image: 'x', restartPolicy: 'Always', resources: { requests: { cpu } } }],
  })
  assert.deepEqual(problems(sidecar('20m'), sidecar('10m')), [])
})

test("what a resize may not, in upstream's words", () => {
  const step = (cpu: string) => ({ initContainers: [{ name: 'i', image: 'x', resources: { requests: { cpu } } }] })
  const of = (...names: string[]) => ({ containers: names.map((name) => ({ ...container(), name })) })
  const table: [string, string[], string][] = [
    [
      'a pod becomes Guaranteed',
      problems(sized(burstable.limits)),
      'spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing',
    ],
    [
      'a BestEffort pod asks for something',
      problems(sized({ cpu: '1m' }, {}), sized({}, {})),
      'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    ],
    [
      'a request above its limit',
      problems(sized({ cpu: '500m', memory: '64Mi' })),
      'spec.containers[0].resources.requests: Invalid value: "500m": must be less than or equal to cpu limit of 200m',
    ],
    [
      'a request is taken back',
      problems(sized({ cpu: '100m' }, {}), sized({ cpu: '100m', memory: '64Mi' }, {})),
      'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
    ],
    [
      'a limit is taken back',
      problems(sized(burstable.requests, { cpu: '200m' })),
      'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
    ],
    [
      'another resource',
      problems(sized({ ...burstable.requests, 'ephemeral-storage': '1Gi' })),
      'spec: Forbidden: only cpu and memory resources are mutable\nchanged: containers c\n',
    ],
    [
      'another policy',
      problems({ containers: [container(burstable, { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] })] }),
      'spec: Forbidden: only cpu and memory resources are mutable\nchanged: containers c\n',
    ],
    [
      'an init container',
      problems(step('20m'), step('10m')),
      'spec.initContainers: Forbidden: resources for non-sidecar init containers are immutable',
    ],
    [
      'changed places',
      problems(of('b', 'a'), of('a', 'b')),
      'spec.containers: Forbidden: containers may not be renamed or reordered on resize',
    ],
    ['one more', problems(of('a', 'b'), of('a')), 'spec.containers: Forbidden: containers may not be added or removed on resize'],
    [
      'a static pod',
      problems(sized({ cpu: '90m', memory: '64Mi' }), {}, { metadata: { name: 'p', annotations: { [MIRROR_ANNOTATION]: 'h' } } }),
      'metadata: Forbidden: static pods cannot be resized',
    ],
    [
      'amounts of the whole pod',
      problems({ resources: { limits: { cpu: '2' } } }, { resources: { limits: { cpu: '1' } } }),
      'spec.resources: Forbidden: pods with pod-level resources cannot be resized',
    ],
    [
      'a node that does not say what containers have',
      problems(
        sized({ cpu: '90m', memory: '64Mi' }),
        {},
        { status: { containerStatuses: [{ name: 'c', image: 'x', imageID: 'i', ready: true, restartCount: 0, state: { running: {} } }] } },
      ),
      'spec: Forbidden: Pod running on node without support for resize',
    ],
  ]
  for (const [name, found, expected] of table) assert.deepEqual(found, [expected], name)
})

test('how a container wants to be resized is said once a resource, and by restart only where anything restarts', () => {
  const said = (resizePolicy: object[], spec: object = {}) =>
    [...podProblems(podOf({ ...spec, containers: [container(burstable, { resizePolicy })] }))].map(
      ({ path, message }) => `${path}: ${message}`,
    )
  const at = 'spec.containers[0].resizePolicy'
  assert.deepEqual(said([{ resourceName: 'cpu', restartPolicy: 'NotRequired' }]), [])
  assert.deepEqual(said([{ resourceName: 'disk', restartPolicy: 'Sometimes' }]), [
    `${at}: Unsupported value: "disk": supported values: "cpu", "memory"`,
    `${at}: Unsupported value: "Sometimes": supported values: "NotRequired", "RestartContainer"`,
  ])
  const twice = { resourceName: 'cpu', restartPolicy: 'NotRequired' }
  assert.deepEqual(said([twice, twice]), [`${at}[1]: Duplicate value: "cpu"`])
  assert.deepEqual(said([{ resourceName: 'memory', restartPolicy: 'RestartContainer' }], { restartPolicy: 'Never' }), [
    `${at}: Invalid value: "RestartContainer": must be 'NotRequired' when \`restartPolicy\` is 'Never'`,
  ])
})
