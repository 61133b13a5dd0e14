import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isCriticalPod, isStaticPod } from '../pods/pod-kinds.ts'
import { readManifest } from './manifest-text.ts'
import { type ManifestPlace, staticPod } from './static-pod.ts'

const file: ManifestPlace = { kind: 'file', name: '/etc/manifests/web.yaml' }
const web = (more: object = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels: { a: 'b' } } },
  spec: { containers: [{ name: 'main', image: 'nginx:1', ports: [{ containerPort: 80 }] }], ...more },
})
const made = (value: unknown, place = file, node = 'Node-1', now = 0) => staticPod(structuredClone(value), place, node, now)

describe('a static pod', () => {
  it('is named after its node and filled in as the API server would', () => {
    const { metadata, spec, status } = made(web())
    assert.equal(metadata.name, 'web-node-1')
    assert.equal(metadata.namespace, 'default')
    assert.deepEqual(metadata.labels, { a: 'b' })
    assert.match(metadata.uid ?? '', /^[0-9a-f]{32}$/)
    assert.deepEqual(metadata.annotations, {
      'kubernetes.io/config.source': 'file',
      'kubernetes.io/config.hash': metadata.uid,
      'kubernetes.io/config.seen': '1970-01-01T00:00:00Z',
    })
    assert.equal(spec.nodeName, 'Node-1')
    assert.equal(spec.restartPolicy, 'Always')
    assert.equal(spec.containers[0]?.ports?.[0]?.protocol, 'TCP')
    assert.deepEqual(spec.tolerations, [{ operator: 'Exists', effect: 'NoExecute' }])
    assert.equal(status.phase, 'Pending')
  })

  it('is the same pod at every reading, and another when content, place or node are', () => {
    const uid = (...args: Parameters<typeof made>) => made(...args).metadata.uid
    const first = uid(web())
    assert.equal(uid(web(), file, 'Node-1', 99_000), first, 'when it was read does not matter')
    assert.notEqual(uid(web({ hostNetwork: true })), first)
    assert.notEqual(uid(web(), { ...file, name: '/etc/manifests/other.yaml' }), first)
    assert.notEqual(uid(web(), file, 'node-2'), first)
  })

  it('is known by what nobody can write into a pod of the API server', () => {
    const pod = made(web())
    assert.ok(isStaticPod(pod) && isCriticalPod(pod))
    const pretended = { ...pod, metadata: { ...pod.metadata, resourceVersion: '7' } }
    assert.ok(!isStaticPod(pretended) && !isCriticalPod(pretended))
  })

  const container = { name: 'main', image: 'i' }
  for (const [what, value, message] of [
    ['no object', ['x'], /holds no object/],
    ['another kind', { apiVersion: 'apps/v1', kind: 'Deployment' }, /"apps\/v1", kind "Deployment", where "v1", kind "Pod" is expected/],
    ['no type', { metadata: {} }, /where "v1", kind "Pod"/],
    ['a wrong shape', { apiVersion: 'v1', kind: 'Pod', spec: { containers: 'x' } }, /cannot unmarshal string/],
    ['a misspelt field', web({ hostNetwrk: true }), /unknown field "spec.hostNetwrk"/],
    ['no name', { ...web(), metadata: {} }, /metadata.name: Required value/],
    ['a name that is a path', { ...web(), metadata: { name: '../x' } }, /metadata.name: Invalid value/],
    ['a namespace that is a path', { ...web(), metadata: { name: 'x', namespace: '..' } }, /metadata.namespace: Invalid value/],
    ['no containers', web({ containers: [] }), /spec.containers: Required value/],
    ['a container that is a path', web({ containers: [{ ...container, name: '../../x' }] }), /spec.containers\[0\].name: Invalid value/],
    ['no image', web({ containers: [{ name: 'main' }] }), /spec.containers\[0\].image: Required value/],
    ['two of one name', web({ initContainers: [container] }), /spec.initContainers\[0\].name: Duplicate value: "main"/],
    ['a volume that is a path', web({ volumes: [{ name: '..', emptyDir: {} }] }), /spec.volumes\[0\].name: Invalid value/],
    ['a mount of nothing', web({ containers: [{ ...container, volumeMounts: [{ name: 'v', mountPath: '/v' }] }] }), /Not found: "v"/],
    [
      'a service account',
      web({ serviceAccountName: 'x' }),
      /spec.serviceAccountName: Forbidden: static pods may not reference serviceaccounts/,
    ],
    ['a secret', web({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }), /spec.volumes\[0\].secret: Forbidden: .* secrets/],
    ['pull secrets', web({ imagePullSecrets: [{ name: 's' }] }), /spec.imagePullSecrets: Forbidden/],
    ['a claim', web({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }), /persistentvolumeclaims/],
    [
      'a token',
      web({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }),
      /spec.volumes\[0\].projected.sources\[0\]: Forbidden: .* serviceaccounts/,
    ],
    [
      'a config map',
      web({ containers: [{ ...container, envFrom: [{ configMapRef: { name: 'c' } }] }] }),
      /envFrom\[0\].configMapRef: Forbidden/,
    ],
  ] as const) {
    it(`is not made of ${what}`, () => assert.throws(() => made(value), message))
  }
})

describe('the text of a manifest', () => {
  it('is YAML as Kubernetes reads it, or JSON', async () => {
    assert.deepEqual(readManifest('a: yes\nb: 0644\nc: 2001-12-14\nd: 1:30\ne: "yes"\n'), {
      ...{ a: true, b: 0o644, c: '2001-12-14', d: '1:30', e: 'yes' },
    })
    assert.deepEqual(readManifest('{"a": [1, {"b": null}]}'), { a: [1, { b: null }] })
  })

  for (const [what, text, message] of [
    ['nothing', ' \n', /empty/],
    ['half a document', '{"apiVersion": "v1", "kin', /neither YAML nor JSON/],
    ['a broken document', 'a: [1\nb: 2', /neither YAML nor JSON/],
    ['a key given twice', 'a: 1\na: 2\n', /neither YAML nor JSON: .*line 2: key "a" already set in map/],
    ['too much', `a: ${'x'.repeat(1024 * 1024)}`, /longer than/],
    [
      'a billion laughs',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'.replace(/./g, (c) => `${c}: &${c} [${`*${String.fromCharCode(c.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`,
      /alias/,
    ],
  ] as const) {
    it(`is not ${what}`, () => assert.throws(() => readManifest(text), message))
  }
})
