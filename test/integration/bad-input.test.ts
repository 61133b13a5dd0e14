import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { configMap, deployment, node, pod, service, serviceAccount } from '../harness/bodies.ts'

/**
 * Whatever is wrong with a request: Kubernetes' own kind of answer, and a server that goes on. Each row is a request and the
 * code and reason it must get, with a part of the message where clients or people rely on it.
 */
type Row = [
  what: string,
  method: string,
  path: string,
  body: unknown,
  code: number,
  reason: string,
  message?: RegExp | undefined,
  headers?: Record<string, string>,
]

let api: TestApi
let revision = ''

before(async () => {
  api = await startApi()
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
  const made = await api.request('POST', MAPS, configMap('there', { data: { a: 'b' } }))
  revision = (made.json['metadata'] as { resourceVersion: string }).resourceVersion
  await api.request('POST', MAPS, { ...configMap('frozen', { data: { a: 'b' } }), immutable: true })
  await api.request('POST', PODS, pod('there'))
  await api.request('POST', DEPLOYMENTS, deployment('there'))
  await api.request('POST', '/api/v1/namespaces/default/services', service('there'))
  await api.request('POST', '/api/v1/nodes', node('n1'))
})

after(async () => {
  // Nothing of all this has left a mark.
  const answer = await api.request('GET', `${MAPS}/there`)
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.json['data'], { a: 'b' })
  assert.equal((await api.request('GET', '/readyz')).text, 'ok')
  await api.stop()
})

const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'
const SERVICES = '/api/v1/namespaces/default/services'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const YAML = { 'content-type': 'application/yaml' }
const MERGE = { 'content-type': 'application/merge-patch+json' }
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' }
const JSON_PATCH = { 'content-type': 'application/json-patch+json' }
const PROTOBUF = { 'content-type': 'application/vnd.kubernetes.protobuf' }
const named = (name: unknown) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })
const meta = (metadata: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bad', ...metadata } })
const container = (more: object) => pod('bad', { containers: [{ name: 'main', image: 'nginx', ...more }] })

const tables: Record<string, Row[]> = {
  'bodies that are no objects': [
    ['nothing', 'POST', MAPS, '', 400, 'BadRequest'],
    ['half an object', 'POST', MAPS, '{"kind":"ConfigMap"', 400, 'BadRequest'],
    ['a text', 'POST', MAPS, '"hello"', 400, 'BadRequest'],
    ['a number', 'POST', MAPS, '42', 400, 'BadRequest'],
    ['null', 'POST', MAPS, 'null', 400, 'BadRequest'],
    ['a list', 'POST', MAPS, '[]', 400, 'BadRequest'],
    ['two objects', 'POST', MAPS, '{}{}', 400, 'BadRequest'],
    ['a comment', 'POST', MAPS, '// no\n{}', 400, 'BadRequest'],
    ['a trailing comma', 'POST', MAPS, '{"kind":"ConfigMap",}', 400, 'BadRequest'],
    ['single quotes', 'POST', MAPS, "{'kind':'ConfigMap'}", 400, 'BadRequest'],
    ['not a number', 'POST', MAPS, '{"data":NaN}', 400, 'BadRequest'],
    ['a thousand brackets', 'POST', MAPS, '['.repeat(1000) + ']'.repeat(1000), 400, 'BadRequest'],
    ['deep objects', 'POST', MAPS, `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, 400, 'BadRequest'],
    ['HTML', 'POST', MAPS, '<html></html>', 400, 'BadRequest'],
    ['bad YAML', 'POST', MAPS, 'kind: [unclosed', 400, 'BadRequest', undefined, YAML],
    ['YAML with tabs', 'POST', MAPS, 'kind: ConfigMap\n\tmetadata: x', 400, 'BadRequest', undefined, YAML],
    ['a YAML text', 'POST', MAPS, 'hello', 400, 'BadRequest', undefined, YAML],
    [
      'a YAML bomb',
      'POST',
      MAPS,
      `a: &a [${'x,'.repeat(9)}x]\nb: &b [${'*a,'.repeat(9)}*a]\nc: &c [${'*b,'.repeat(9)}*b]\nd: [${'*c,'.repeat(9)}*c]`,
      400,
      'BadRequest',
      undefined,
      YAML,
    ],
    ['protobuf that is none', 'POST', MAPS, 'k8s', 400, 'BadRequest', /magic number/, PROTOBUF],
    ['protobuf cut short', 'POST', MAPS, 'k8s\u0000\n\u0010', 400, 'BadRequest', undefined, PROTOBUF],
    [
      'too many bytes',
      'POST',
      MAPS,
      configMap('big', { data: { a: 'x'.repeat(3 * 1024 * 1024) } }),
      413,
      'RequestEntityTooLarge',
      /limit is 3145728/,
    ],
    [
      'too many bytes to patch',
      'PATCH',
      `${MAPS}/there`,
      `{"data":{"a":"${'x'.repeat(3_200_000)}"}}`,
      413,
      'RequestEntityTooLarge',
      undefined,
      MERGE,
    ],
    ['too much data', 'POST', MAPS, configMap('fat', { data: { a: 'x'.repeat(1_100_000) } }), 422, 'Invalid', /Too long/],
    ['a form', 'POST', MAPS, 'a=b', 415, 'UnsupportedMediaType', undefined, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['plain text', 'POST', MAPS, 'hello', 415, 'UnsupportedMediaType', undefined, { 'content-type': 'text/plain' }],
    ['CBOR', 'POST', MAPS, 'x', 415, 'UnsupportedMediaType', undefined, { 'content-type': 'application/cbor' }],
  ],
  'objects of another type': [
    ['another kind', 'POST', MAPS, pod('bad'), 400, 'BadRequest'],
    ['another version', 'POST', MAPS, { ...named('bad'), apiVersion: 'v2' }, 400, 'BadRequest', /does not match the expected API version/],
    ['another group', 'POST', DEPLOYMENTS, { ...deployment('bad'), apiVersion: 'extensions/v1beta1' }, 400, 'BadRequest'],
    ['a list where one object belongs', 'POST', MAPS, { apiVersion: 'v1', kind: 'ConfigMapList', items: [] }, 400, 'BadRequest'],
    ['a kind that is a number', 'POST', MAPS, { apiVersion: 'v1', kind: 7, metadata: { name: 'bad' } }, 400, 'BadRequest'],
    ['metadata that is a text', 'POST', MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: 'bad' }, 400, 'BadRequest'],
    ['labels that are a list', 'POST', MAPS, meta({ labels: ['a'] }), 400, 'BadRequest'],
    ['a label that is a number', 'POST', MAPS, meta({ labels: { a: 1 } }), 400, 'BadRequest'],
    ['an annotation that is an object', 'POST', MAPS, meta({ annotations: { a: {} } }), 400, 'BadRequest'],
    ['data that is a list', 'POST', MAPS, configMap('bad', { data: [1] }), 400, 'BadRequest'],
    ['a value that is a number', 'POST', MAPS, configMap('bad', { data: { a: 1 } }), 400, 'BadRequest'],
    ['a boolean in quotes', 'POST', MAPS, configMap('bad', { immutable: 'true' }), 400, 'BadRequest'],
    ['bytes that are no base64', 'POST', MAPS, configMap('bad', { binaryData: { a: '***' } }), 400, 'BadRequest'],
    ['replicas in quotes', 'POST', DEPLOYMENTS, deployment('bad', { replicas: '3' }), 400, 'BadRequest'],
    ['half a replica', 'POST', DEPLOYMENTS, deployment('bad', { replicas: 1.5 }), 400, 'BadRequest'],
    ['more replicas than 32 bits hold', 'POST', DEPLOYMENTS, deployment('bad', { replicas: 2 ** 40 }), 400, 'BadRequest'],
    ['containers that are an object', 'POST', PODS, pod('bad', { containers: {} }), 400, 'BadRequest'],
    ['a container that is a text', 'POST', PODS, pod('bad', { containers: ['nginx'] }), 400, 'BadRequest'],
    ['a quantity that is none', 'POST', PODS, container({ resources: { limits: { cpu: 'much' } } }), 400, 'BadRequest', /quantit/],
    ['a date that is none', 'POST', MAPS, meta({ creationTimestamp: 'yesterday' }), 400, 'BadRequest'],
  ],
  'strict field validation': [
    [
      'an unknown field',
      'POST',
      `${MAPS}?fieldValidation=Strict`,
      { ...named('bad'), nonsense: 1 },
      400,
      'BadRequest',
      /unknown field "nonsense"/,
    ],
    [
      'an unknown field deep down',
      'POST',
      `${PODS}?fieldValidation=Strict`,
      container({ imgae: 'x' }),
      400,
      'BadRequest',
      /unknown field "spec.containers\[0\].imgae"/,
    ],
    [
      'a field given twice',
      'POST',
      `${MAPS}?fieldValidation=Strict`,
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"bad","name":"worse"}}',
      400,
      'BadRequest',
      /duplicate field "metadata.name"/,
    ],
    [
      'a YAML key given twice',
      'POST',
      `${MAPS}?fieldValidation=Strict`,
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bad\ndata:\n  a: b\n  a: c\n',
      400,
      'BadRequest',
      /already set in map/,
      YAML,
    ],
    ['an unknown mode', 'POST', `${MAPS}?fieldValidation=Maybe`, named('bad'), 422, 'Invalid', /supported values/],
    [
      'an unknown field by patch',
      'PATCH',
      `${MAPS}/there?fieldValidation=Strict`,
      { nonsense: 1 },
      422,
      'Invalid',
      /unknown field "nonsense"/,
      MERGE,
    ],
    ['an unknown field by update', 'PUT', `${MAPS}/there?fieldValidation=Strict`, { ...named('there'), nonsense: 1 }, 400, 'BadRequest'],
  ],
  names: [
    ['none', 'POST', MAPS, { apiVersion: 'v1', kind: 'ConfigMap' }, 422, 'Invalid', /name or generateName is required/],
    ['an empty one', 'POST', MAPS, named(''), 422, 'Invalid', /required/],
    ['capital letters', 'POST', MAPS, named('Bad'), 422, 'Invalid', /RFC 1123 subdomain/],
    ['an underscore', 'POST', MAPS, named('b_d'), 422, 'Invalid'],
    ['a blank', 'POST', MAPS, named('b d'), 422, 'Invalid'],
    ['a slash', 'POST', MAPS, named('a/b'), 422, 'Invalid', /may not contain '\/'/],
    ['a percent sign', 'POST', MAPS, named('a%b'), 422, 'Invalid', /may not contain '%'/],
    ['a dot', 'POST', MAPS, named('.'), 422, 'Invalid'],
    ['two dots', 'POST', MAPS, named('..'), 422, 'Invalid'],
    ['a dash at the end', 'POST', MAPS, named('a-'), 422, 'Invalid'],
    ['254 letters', 'POST', MAPS, named('a'.repeat(254)), 422, 'Invalid', /no more than 253/],
    ['letters outside ASCII', 'POST', MAPS, named('bäd'), 422, 'Invalid'],
    ['a NUL', 'POST', MAPS, named('a\u0000b'), 422, 'Invalid'],
    ['a number', 'POST', MAPS, named(7), 400, 'BadRequest'],
    ['a Service that begins with a digit', 'POST', SERVICES, service('1a'), 422, 'Invalid', /DNS-1035|RFC 1035/],
    ['a Service with a dot', 'POST', SERVICES, service('a.b'), 422, 'Invalid'],
    [
      'a namespace with a dot',
      'POST',
      '/api/v1/namespaces',
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a.b' } },
      422,
      'Invalid',
    ],
    ['a container with capitals', 'POST', PODS, container({ name: 'Main' }), 422, 'Invalid', /spec.containers\[0\].name/],
    [
      'a bad prefix to generate from',
      'POST',
      MAPS,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'Bad_' } },
      422,
      'Invalid',
    ],
  ],
  metadata: [
    ['a label key with two slashes', 'POST', MAPS, meta({ labels: { 'a/b/c': 'x' } }), 422, 'Invalid', /metadata.labels/],
    ['an empty label key', 'POST', MAPS, meta({ labels: { '': 'x' } }), 422, 'Invalid'],
    ['a label value with a blank', 'POST', MAPS, meta({ labels: { a: 'b c' } }), 422, 'Invalid'],
    ['a label value of 64', 'POST', MAPS, meta({ labels: { a: 'x'.repeat(64) } }), 422, 'Invalid', /63/],
    ['an annotation key with a blank', 'POST', MAPS, meta({ annotations: { 'a b': 'x' } }), 422, 'Invalid'],
    ['too large annotations', 'POST', MAPS, meta({ annotations: { a: 'x'.repeat(262_145) } }), 422, 'Invalid', /Too long/],
    ['an owner without a name', 'POST', MAPS, meta({ ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', uid: 'x' }] }), 422, 'Invalid'],
    [
      'two controllers',
      'POST',
      MAPS,
      meta({ ownerReferences: ['a', 'b'].map((name) => ({ apiVersion: 'v1', kind: 'Pod', name, uid: name, controller: true })) }),
      422,
      'Invalid',
      /Only one reference/,
    ],
    [
      'an Event as owner',
      'POST',
      MAPS,
      meta({ ownerReferences: [{ apiVersion: 'v1', kind: 'Event', name: 'a', uid: 'b' }] }),
      422,
      'Invalid',
      /disallowed/,
    ],
    ['a finalizer that is no name', 'POST', MAPS, meta({ finalizers: ['not a name'] }), 422, 'Invalid', /metadata.finalizers\[0\]/],
    ['orphan and foreground at once', 'POST', MAPS, meta({ finalizers: ['orphan', 'foregroundDeletion'] }), 422, 'Invalid'],
    [
      'another namespace than the URL',
      'POST',
      MAPS,
      meta({ namespace: 'other' }),
      400,
      'BadRequest',
      /namespace of the provided object does not match/,
    ],
    [
      'a namespace for a cluster-wide kind',
      'POST',
      '/api/v1/nodes',
      { ...node('bad'), metadata: { name: 'bad', namespace: 'default' } },
      400,
      'BadRequest',
    ],
  ],
  'objects that break the rules of their kind': [
    ['a pod without containers', 'POST', PODS, pod('bad', { containers: [] }), 422, 'Invalid', /spec.containers: Required value/],
    [
      'two containers of one name',
      'POST',
      PODS,
      pod('bad', {
        containers: [
          { name: 'a', image: 'x' },
          { name: 'a', image: 'x' },
        ],
      }),
      422,
      'Invalid',
      /Duplicate value/,
    ],
    ['a container without an image', 'POST', PODS, pod('bad', { containers: [{ name: 'a' }] }), 422, 'Invalid', /image: Required value/],
    ['an unknown restart policy', 'POST', PODS, pod('bad', { restartPolicy: 'Sometimes' }), 422, 'Invalid', /Unsupported value/],
    ['a port of 0', 'POST', PODS, container({ ports: [{ containerPort: 0 }] }), 422, 'Invalid'],
    ['a port of 65536', 'POST', PODS, container({ ports: [{ containerPort: 65_536 }] }), 422, 'Invalid'],
    [
      'a request above the limit',
      'POST',
      PODS,
      container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
      422,
      'Invalid',
      /must be less than or equal to cpu limit/,
    ],
    ['a mount of no volume', 'POST', PODS, container({ volumeMounts: [{ name: 'x', mountPath: '/x' }] }), 422, 'Invalid', /Not found/],
    [
      'a volume of two sources',
      'POST',
      PODS,
      pod('bad', { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] }),
      422,
      'Invalid',
      /may not specify more than 1 volume type/,
    ],
    ['a probe of nothing', 'POST', PODS, container({ livenessProbe: {} }), 422, 'Invalid', /handler type/],
    ['an env name with =', 'POST', PODS, container({ env: [{ name: 'A=B', value: 'x' }] }), 422, 'Invalid'],
    [
      'two volumes of one name',
      'POST',
      PODS,
      pod('bad', {
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 'v', emptyDir: {} },
        ],
      }),
      422,
      'Invalid',
      /Duplicate value/,
    ],
    [
      'an image changed to nothing',
      'PATCH',
      `${PODS}/there`,
      { spec: { containers: [{ name: 'main', image: '' }] } },
      422,
      'Invalid',
      undefined,
      STRATEGIC,
    ],
    ['a pod moved by hand', 'PATCH', `${PODS}/there`, { spec: { nodeName: 'n1' } }, 422, 'Invalid', undefined, STRATEGIC],
    [
      'a second container',
      'PATCH',
      `${PODS}/there`,
      { spec: { containers: [{ name: 'b', image: 'x' }] } },
      422,
      'Invalid',
      undefined,
      STRATEGIC,
    ],
    ['a service account that is not there', 'POST', PODS, pod('bad', { serviceAccountName: 'nobody' }), 403, 'Forbidden', /nobody/],
    [
      'a deployment without a selector',
      'POST',
      DEPLOYMENTS,
      { ...deployment('bad'), spec: { template: deployment('bad').spec.template } },
      422,
      'Invalid',
      /spec.selector/,
    ],
    [
      'a selector that misses its template',
      'POST',
      DEPLOYMENTS,
      deployment('bad', { selector: { matchLabels: { app: 'other' } } }),
      422,
      'Invalid',
      /does not match template/,
    ],
    [
      'another selector later',
      'PATCH',
      `${DEPLOYMENTS}/there`,
      { spec: { selector: { matchLabels: { app: 'x' } }, template: { metadata: { labels: { app: 'x' } } } } },
      422,
      'Invalid',
      /immutable/,
      MERGE,
    ],
    ['negative replicas', 'POST', DEPLOYMENTS, deployment('bad', { replicas: -1 }), 422, 'Invalid'],
    [
      'a rolling update of nothing',
      'POST',
      DEPLOYMENTS,
      deployment('bad', { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
      422,
      'Invalid',
    ],
    ['a service without ports', 'POST', SERVICES, service('bad', { ports: [] }), 422, 'Invalid', /spec.ports: Required value/],
    ['a service port of 0', 'POST', SERVICES, service('bad', { ports: [{ port: 0 }] }), 422, 'Invalid'],
    ['an unknown service type', 'POST', SERVICES, service('bad', { type: 'Magic' }), 422, 'Invalid', /Unsupported value/],
    [
      'a cluster IP outside the range',
      'POST',
      SERVICES,
      service('bad', { clusterIP: '8.8.8.8' }),
      422,
      'Invalid',
      /not in the valid range/,
    ],
    ['a cluster IP that is taken', 'POST', SERVICES, service('bad', { clusterIP: '10.96.0.1' }), 422, 'Invalid', /already allocated/],
    ['a cluster IP that is none', 'POST', SERVICES, service('bad', { clusterIP: 'ten' }), 422, 'Invalid'],
    [
      'a node port outside the range',
      'POST',
      SERVICES,
      service('bad', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }),
      422,
      'Invalid',
      /valid range/,
    ],
    ['an immutable map changed', 'PATCH', `${MAPS}/frozen`, { data: { a: 'c' } }, 422, 'Invalid', /immutable/, MERGE],
    ['one key in data and binaryData', 'POST', MAPS, configMap('bad', { data: { a: 'x' }, binaryData: { a: 'eA==' } }), 422, 'Invalid'],
    ['a key with a slash', 'POST', MAPS, configMap('bad', { data: { 'a/b': 'x' } }), 422, 'Invalid'],
    [
      'a role reference changed to another kind',
      'POST',
      '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'bad' },
        roleRef: { kind: 'Pod', name: 'x', apiGroup: 'rbac.authorization.k8s.io' },
      },
      422,
      'Invalid',
    ],
    ['the default namespace deleted', 'DELETE', '/api/v1/namespaces/kube-system', undefined, 403, 'Forbidden'],
  ],
  paths: [
    ['an unknown word', 'GET', '/nonsense', undefined, 404, 'NotFound'],
    ['an unknown group', 'GET', '/apis/nonsense.io/v1/things', undefined, 404, 'NotFound', /could not find the requested resource/],
    ['an unknown version', 'GET', '/apis/apps/v9/deployments', undefined, 404, 'NotFound'],
    ['an unknown resource', 'GET', '/api/v1/things', undefined, 404, 'NotFound'],
    ['a kind instead of a plural', 'GET', '/api/v1/namespaces/default/ConfigMap', undefined, 404, 'NotFound'],
    ['an unknown sub-resource', 'GET', `${MAPS}/there/status`, undefined, 404, 'NotFound'],
    ['more after a sub-resource', 'GET', `${PODS}/there/status/x`, undefined, 404, 'NotFound'],
    ['a name that is not there', 'GET', `${MAPS}/nowhere`, undefined, 404, 'NotFound', /configmaps "nowhere" not found/],
    ['a namespace under a cluster-wide kind', 'GET', '/api/v1/namespaces/default/nodes', undefined, 404, 'NotFound'],
    ['two dots', 'GET', '/api/v1/namespaces/default/configmaps/..', undefined, 404, 'NotFound'],
    ['dots in the middle', 'GET', '/api/v1/namespaces/../nodes', undefined, 404, 'NotFound'],
    ['encoded dots', 'GET', '/api/v1/namespaces/%2e%2e/configmaps', undefined, 404, 'NotFound'],
    ['an encoded slash', 'GET', `${MAPS}/a%2Fb`, undefined, 404, 'NotFound'],
    ['an encoded slash in the namespace', 'GET', '/api/v1/namespaces/a%2Fb/configmaps', undefined, 404, 'NotFound'],
    ['an encoded percent sign', 'GET', `${MAPS}/a%252Fb`, undefined, 404, 'NotFound'],
    ['an encoded NUL', 'GET', `${MAPS}/a%00`, undefined, 404, 'NotFound'],
    ['a backslash', 'GET', `${MAPS}/..%5c..`, undefined, 404, 'NotFound'],
    ['two slashes', 'GET', '/api/v1//configmaps', undefined, 404, 'NotFound'],
    ['a path that climbs', 'GET', '/openapi/../../etc/passwd', undefined, 404, 'NotFound'],
    ['half an escape', 'GET', `${MAPS}/%zz`, undefined, 400, 'BadRequest'],
    ['an escape that is no UTF-8', 'GET', `${MAPS}/%ff`, undefined, 400, 'BadRequest'],
    ['a very long name', 'GET', `${MAPS}/${'a'.repeat(5000)}`, undefined, 404, 'NotFound'],
  ],
  methods: [
    ['POST to an object', 'POST', `${MAPS}/there`, named('there'), 405, 'MethodNotAllowed'],
    ['PUT to a collection', 'PUT', MAPS, named('there'), 405, 'MethodNotAllowed'],
    ['PATCH to a collection', 'PATCH', MAPS, {}, 405, 'MethodNotAllowed', undefined, MERGE],
    ['an unknown method', 'BREW', `${MAPS}/there`, undefined, 405, 'MethodNotAllowed'],
    ['OPTIONS', 'OPTIONS', MAPS, undefined, 405, 'MethodNotAllowed'],
    ['create in all namespaces', 'POST', '/api/v1/configmaps', named('bad'), 405, 'MethodNotAllowed'],
    ['delete in all namespaces', 'DELETE', '/api/v1/configmaps', undefined, 405, 'MethodNotAllowed'],
    ['list of what is only created', 'GET', '/apis/authentication.k8s.io/v1/tokenreviews', undefined, 405, 'MethodNotAllowed'],
    ['GET of a binding', 'GET', `${PODS}/there/binding`, undefined, 405, 'MethodNotAllowed'],
    ['DELETE of a status', 'DELETE', `${PODS}/there/status`, undefined, 405, 'MethodNotAllowed'],
    ['POST to the version', 'POST', '/version', {}, 405, 'MethodNotAllowed'],
  ],
  'parameters of reading': [
    ['a selector without a key', 'GET', `${MAPS}?labelSelector=%3Dx`, undefined, 400, 'BadRequest'],
    ['a selector without an end', 'GET', `${MAPS}?labelSelector=a+in+(b`, undefined, 400, 'BadRequest'],
    ['an operator nobody knows', 'GET', `${MAPS}?labelSelector=a~b`, undefined, 400, 'BadRequest'],
    ['a bad label in a selector', 'GET', `${MAPS}?labelSelector=a%2Fb%2Fc%3Dd`, undefined, 400, 'BadRequest'],
    ['a field nobody knows', 'GET', `${PODS}?fieldSelector=spec.colour%3Dred`, undefined, 400, 'BadRequest', /not a known field selector/],
    ['a field selector of one word', 'GET', `${PODS}?fieldSelector=x`, undefined, 400, 'BadRequest'],
    ['a limit that is a word', 'GET', `${MAPS}?limit=many`, undefined, 400, 'BadRequest'],
    ['half a limit', 'GET', `${MAPS}?limit=1.5`, undefined, 400, 'BadRequest'],
    ['a continue token that is none', 'GET', `${MAPS}?continue=abc`, undefined, 400, 'BadRequest', /continue key is not valid/],
    [
      'a continue token of another version',
      'GET',
      `${MAPS}?continue=${btoa('{"v":"v0","rv":1,"start":"a\\u0000"}')}`,
      undefined,
      400,
      'BadRequest',
    ],
    [
      'a continue token that climbs',
      'GET',
      `${MAPS}?continue=${btoa('{"v":"meta.k8s.io/v1","rv":1,"start":""}')}`,
      undefined,
      400,
      'BadRequest',
    ],
    [
      'continue and a revision',
      'GET',
      `${MAPS}?resourceVersion=3&continue=${btoa('{"v":"meta.k8s.io/v1","rv":1,"start":"a\\u0000"}')}`,
      undefined,
      400,
      'BadRequest',
    ],
    ['a revision that is a word', 'GET', `${MAPS}?resourceVersion=new`, undefined, 400, 'BadRequest'],
    ['a negative revision', 'GET', `${MAPS}?resourceVersion=-1`, undefined, 400, 'BadRequest'],
    ['a revision beyond all numbers', 'GET', `${MAPS}?resourceVersion=99999999999999999999`, undefined, 400, 'BadRequest'],
    ['a revision of the future', 'GET', `${MAPS}?resourceVersion=1000000`, undefined, 504, 'Timeout', /Too large resource version/],
    [
      'a match without a revision',
      'GET',
      `${MAPS}?resourceVersionMatch=Exact`,
      undefined,
      422,
      'Invalid',
      /forbidden unless resourceVersion is provided/,
    ],
    ['exactly any revision', 'GET', `${MAPS}?resourceVersion=0&resourceVersionMatch=Exact`, undefined, 422, 'Invalid'],
    ['an unknown match', 'GET', `${MAPS}?resourceVersion=1&resourceVersionMatch=About`, undefined, 422, 'Invalid'],
    ['initial events of a list', 'GET', `${MAPS}?sendInitialEvents=true`, undefined, 422, 'Invalid', /forbidden for list/],
    [
      'initial events without a match',
      'GET',
      `${MAPS}?watch=true&sendInitialEvents=true`,
      undefined,
      422,
      'Invalid',
      /requires setting resourceVersionMatch/,
    ],
    [
      'a match for a plain watch',
      'GET',
      `${MAPS}?watch=true&resourceVersion=1&resourceVersionMatch=NotOlderThan`,
      undefined,
      422,
      'Invalid',
    ],
    ['a timeout that is a word', 'GET', `${MAPS}?watch=true&timeoutSeconds=soon`, undefined, 400, 'BadRequest'],
    ['a watch of a field nobody knows', 'GET', `${MAPS}?watch=true&fieldSelector=x%3Dy`, undefined, 400, 'BadRequest'],
    ['a watch in YAML', 'GET', `${MAPS}?watch=true`, undefined, 406, 'NotAcceptable', undefined, { accept: 'application/yaml' }],
    ['an answer nobody writes', 'GET', MAPS, undefined, 406, 'NotAcceptable', undefined, { accept: 'image/png' }],
    [
      'a table of another version',
      'GET',
      MAPS,
      undefined,
      406,
      'NotAcceptable',
      undefined,
      { accept: 'application/json;as=Table;v=v9;g=meta.k8s.io' },
    ],
  ],
  'updates and patches': [
    ['another name than the URL', 'PUT', `${MAPS}/there`, named('other'), 400, 'BadRequest', /does not match the name on the URL/],
    ['no name', 'PUT', `${MAPS}/there`, { apiVersion: 'v1', kind: 'ConfigMap' }, 400, 'BadRequest'],
    ['what is not there', 'PUT', `${MAPS}/nowhere`, named('nowhere'), 404, 'NotFound'],
    [
      'a stale revision',
      'PUT',
      `${MAPS}/there`,
      { ...named('there'), metadata: { name: 'there', resourceVersion: '1' } },
      409,
      'Conflict',
      /has been modified/,
    ],
    [
      'a revision that is a word',
      'PUT',
      `${MAPS}/there`,
      { ...named('there'), metadata: { name: 'there', resourceVersion: 'x' } },
      409,
      'Conflict',
    ],
    [
      'another uid',
      'PUT',
      `${MAPS}/there`,
      { ...named('there'), metadata: { name: 'there', uid: 'x' } },
      409,
      'Conflict',
      /Precondition failed/,
    ],
    ['a patch of what is not there', 'PATCH', `${MAPS}/nowhere`, {}, 404, 'NotFound', undefined, MERGE],
    ['a patch without a type', 'PATCH', `${MAPS}/there`, {}, 415, 'UnsupportedMediaType'],
    [
      'a patch of an unknown type',
      'PATCH',
      `${MAPS}/there`,
      {},
      415,
      'UnsupportedMediaType',
      undefined,
      { 'content-type': 'application/odd-patch+json' },
    ],
    ['a merge patch that is a list', 'PATCH', `${MAPS}/there`, [], 400, 'BadRequest', undefined, MERGE],
    ['a JSON patch that is an object', 'PATCH', `${MAPS}/there`, {}, 400, 'BadRequest', undefined, JSON_PATCH],
    [
      'a JSON patch of an unknown operation',
      'PATCH',
      `${MAPS}/there`,
      [{ op: 'burn', path: '/data' }],
      400,
      'BadRequest',
      undefined,
      JSON_PATCH,
    ],
    [
      'a JSON patch to nowhere',
      'PATCH',
      `${MAPS}/there`,
      [{ op: 'replace', path: '/x/y/z', value: 1 }],
      422,
      'Invalid',
      undefined,
      JSON_PATCH,
    ],
    [
      'a JSON patch whose test fails',
      'PATCH',
      `${MAPS}/there`,
      [{ op: 'test', path: '/data/a', value: 'z' }],
      422,
      'Invalid',
      undefined,
      JSON_PATCH,
    ],
    ['a patch that breaks off', 'PATCH', `${MAPS}/there`, '{"data":', 400, 'BadRequest', undefined, MERGE],
    ['a patch to another name', 'PATCH', `${MAPS}/there`, { metadata: { name: 'other' } }, 400, 'BadRequest', undefined, MERGE],
    ['a patch to another type', 'PATCH', `${MAPS}/there`, { data: 7 }, 400, 'BadRequest', undefined, MERGE],
    ['a patch with a stale revision', 'PATCH', `${MAPS}/there`, { metadata: { resourceVersion: '1' } }, 409, 'Conflict', undefined, MERGE],
    [
      'a scale without a name',
      'PUT',
      `${DEPLOYMENTS}/there/scale`,
      { apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 1 } },
      400,
      'BadRequest',
    ],
    ['a scale below zero', 'PATCH', `${DEPLOYMENTS}/there/scale`, { spec: { replicas: -3 } }, 422, 'Invalid', undefined, MERGE],
    ['a dry run of some', 'POST', `${MAPS}?dryRun=Some`, named('bad'), 422, 'Invalid'],
  ],
  deletes: [
    ['what is not there', 'DELETE', `${MAPS}/nowhere`, undefined, 404, 'NotFound'],
    ['options that are a list', 'DELETE', `${MAPS}/there`, [], 400, 'BadRequest'],
    ['options of another kind', 'DELETE', `${MAPS}/there`, { kind: 'Pod', apiVersion: 'v1' }, 400, 'BadRequest'],
    ['a grace period that is a word', 'DELETE', `${MAPS}/there`, { gracePeriodSeconds: 'soon' }, 400, 'BadRequest'],
    ['a grace period in the URL that is a word', 'DELETE', `${MAPS}/there?gracePeriodSeconds=soon`, undefined, 400, 'BadRequest'],
    ['an unknown policy', 'DELETE', `${MAPS}/there?propagationPolicy=Sideways`, undefined, 422, 'Invalid'],
    ['two policies', 'DELETE', `${MAPS}/there`, { propagationPolicy: 'Orphan', orphanDependents: true }, 422, 'Invalid'],
    ['the wrong uid', 'DELETE', `${MAPS}/there`, { preconditions: { uid: 'x' } }, 409, 'Conflict'],
    ['the wrong revision', 'DELETE', `${MAPS}/there`, { preconditions: { resourceVersion: '1' } }, 409, 'Conflict'],
    ['preconditions that are a text', 'DELETE', `${MAPS}/there`, { preconditions: 'x' }, 400, 'BadRequest'],
    ['a bad selector', 'DELETE', `${MAPS}?labelSelector=a+in+(`, undefined, 400, 'BadRequest'],
  ],
}

for (const [table, rows] of Object.entries(tables)) {
  describe(table, () => {
    for (const [what, method, path, body, code, reason, message, headers] of rows) {
      test(what, async () => {
        const answer = await api.request(method, path, body, headers)
        assert.equal(answer.status, code, answer.text.slice(0, 500))
        const status = answer.json
        assert.equal(status['kind'], 'Status')
        assert.equal(status['apiVersion'], 'v1')
        assert.equal(status['status'], 'Failure')
        assert.equal(status['reason'], reason)
        assert.equal(status['code'], code)
        if (message) assert.match(String(status['message']), message)
      })
    }
  })
}

test('a correct request still works, with the revision it was made with', async () => {
  const current = (await api.request('GET', `${MAPS}/there`)).json['metadata'] as { resourceVersion: string }
  assert.equal(current.resourceVersion, revision)
})

describe('people without rights', () => {
  const nobody: User = { name: 'eve', groups: ['system:authenticated'] }
  const asked: [string, string, RegExp][] = [
    ['GET', MAPS, /User "eve" cannot list resource "configmaps" in API group "" in the namespace "default"/],
    ['GET', '/api/v1/nodes', /cannot list resource "nodes" in API group "" at the cluster scope/],
    ['POST', MAPS, /cannot create resource/],
    ['PATCH', `${DEPLOYMENTS}/there/scale`, /cannot patch resource "deployments\/scale" in API group "apps"/],
    ['DELETE', `${MAPS}/there`, /cannot delete resource/],
    ['DELETE', MAPS, /cannot deletecollection resource/],
    ['GET', '/metrics', /cannot get path "\/metrics"/],
    ['GET', '/api/v1/namespaces/default/nonsense', /cannot list resource "nonsense"/],
  ]
  for (const [method, path, message] of asked) {
    test(`${method} ${path}`, async () => {
      const answer = await api.request(method, path, method === 'GET' || method === 'DELETE' ? undefined : {}, MERGE, nobody)
      assert.equal(answer.status, 403, answer.text)
      assert.equal(answer.json['reason'], 'Forbidden')
      assert.match(String(answer.json['message']), message)
    })
  }
})
