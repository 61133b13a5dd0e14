import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import { DEPLOYMENTS, MAPS, MERGE, named, PODS, refuses } from '../harness/refusals.ts'

const api = refuses({
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
      const answer = await api().request(method, path, method === 'GET' || method === 'DELETE' ? undefined : {}, MERGE, nobody)
      assert.equal(answer.status, 403, answer.text)
      assert.equal(answer.json['reason'], 'Forbidden')
      assert.match(String(answer.json['message']), message)
    })
  }
})
