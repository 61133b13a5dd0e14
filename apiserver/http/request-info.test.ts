import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import { anyField } from '../../shared/selectors/field-selector.ts'
import { SelectorError } from '../../shared/selectors/selector-error.ts'
import { requestInfo } from './request-info.ts'

/** verb group/version namespace/resource/name/subresource/rest; a dash is empty. */
const brief = (method: string, url: string) => {
  const info = requestInfo(method, url)
  if (!info.isResource) return `${info.verb} ${info.path}`
  const { verb, group, version, namespace, resource, name, subresource, rest } = info
  return [verb, group || '-', version, namespace || '-', resource, name || '-', subresource || '-', rest || '-'].join(' ')
}

const readings: [string, string, string][] = [
  ['GET', '/api/v1/pods', 'list - v1 - pods - - -'],
  ['GET', '/api/v1/namespaces/a/pods', 'list - v1 a pods - - -'],
  ['GET', '/api/v1/namespaces/a/pods/b', 'get - v1 a pods b - -'],
  ['HEAD', '/api/v1/namespaces/a/pods/b', 'get - v1 a pods b - -'],
  ['GET', '/api/v1/namespaces/a/pods?watch=true', 'watch - v1 a pods - - -'],
  ['GET', '/api/v1/namespaces/a/pods?watch=1&x=y', 'watch - v1 a pods - - -'],
  ['GET', '/api/v1/namespaces/a/pods?watch=false', 'list - v1 a pods - - -'],
  ['GET', '/api/v1/namespaces/a/pods/b?watch=true', 'watch - v1 a pods b - -'],
  ['GET', '/api/v1/watch/namespaces/a/pods', 'watch - v1 a pods - - -'],
  ['GET', '/api/v1/watch/nodes/n', 'watch - v1 - nodes n - -'],
  ['POST', '/apis/apps/v1/namespaces/a/deployments', 'create apps v1 a deployments - - -'],
  ['PUT', '/apis/apps/v1/namespaces/a/deployments/b/scale', 'update apps v1 a deployments b scale -'],
  ['PATCH', '/apis/apps/v1/namespaces/a/deployments/b', 'patch apps v1 a deployments b - -'],
  ['DELETE', '/api/v1/nodes/n', 'delete - v1 - nodes n - -'],
  ['DELETE', '/api/v1/namespaces/a/pods', 'deletecollection - v1 a pods - - -'],
  ['GET', '/api/v1/namespaces', 'list - v1 - namespaces - - -'],
  ['GET', '/api/v1/namespaces/a', 'get - v1 a namespaces a - -'],
  ['PUT', '/api/v1/namespaces/a/finalize', 'update - v1 a namespaces a finalize -'],
  ['GET', '/api/v1/namespaces/a/status', 'get - v1 a namespaces a status -'],
  ['GET', '/api/v1/namespaces/a/services/s:80/proxy/x/y%2Fz', 'get - v1 a services s:80 proxy x/y%2Fz'],
  ['GET', '/api/v1/namespaces/a/pods/', 'list - v1 a pods - - -'],
  ['GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node', 'get rbac.authorization.k8s.io v1 - clusterroles system:node - -'],
  ['GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/a%20b', 'get rbac.authorization.k8s.io v1 - clusterroles a b - -'],
  ['GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/a%5Cb', 'get rbac.authorization.k8s.io v1 - clusterroles a\\b - -'],
  ['GET', '/api/v1/watch/namespaces/a', 'watch - v1 a namespaces a - -'],
  ['GET', '/api/v1/%6eamespaces/a', 'get - v1 - namespaces a - -'],
  ['GET', '/api/v1/namespaces/a/nodes/b', 'get - v1 a nodes b - -'],
  ['GET', '/api/v1', 'get /api/v1'],
  ['GET', '/apis/apps/v1/', 'get /apis/apps/v1/'],
  ['GET', '/healthz?verbose', 'get /healthz'],
  ['POST', '/', 'post /'],
]
for (const [method, url, expected] of readings) test(`${method} ${url}`, () => assert.equal(brief(method, url), expected))

const refused: [string, number][] = [
  ['/api/v1/namespaces/../pods', 404],
  ['/api/v1/namespaces/%2e%2e/pods', 404],
  ['/api/v1/namespaces/a%2Fb/pods', 404],
  ['/api/v1/namespaces/a/pods/%00', 404],
  ['/api/v1/namespaces/a/pods/%0a', 404],
  ['/api/v1/namespaces/a/namespaces', 404],
  ['/api/v1/namespaces/a/namespaces/', 404],
  ['/api/v1/namespaces/a/namespaces/a', 404],
  ['/api/v1/namespaces/a/namespaces/b', 404],
  ['/api/v1/namespaces/a/%6eamespaces/b', 404],
  ['/api/v1/namespaces/a/namespaces/b/status', 404],
  ['/api/v1/namespaces/a/namespaces/b/finalize', 404],
  ['/api/v1/watch/namespaces/a/namespaces/b', 404],
  ['/api/v1/namespaces/namespaces/namespaces/namespaces', 404],
  ['/api/v1/watch/namespaces/a/pods/b/proxy', 404],
  ['/api/v1//pods', 404],
  ['/x/%2e%2e/y', 404],
  ['/x//y', 404],
  ['/api/v1/namespaces/%zz/pods', 400],
  ['/x/%ff', 400],
]
for (const [url, code] of refused) {
  test(`${url} is ${code}`, () =>
    assert.throws(
      () => requestInfo('GET', url),
      (error) => error instanceof StatusError && error.code === code,
    ))
}

test('a path for watches serves no other method', () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    assert.throws(() => requestInfo(method, '/api/v1/watch/namespaces/a/pods/b'), { code: 404 }, method)
  }
})

/** What is selected, as the authoriser and the list are both told. */
const selected = (query: string) => {
  const { fields } = requestInfo('GET', `/api/v1/namespaces/a/pods?${query}`)
  return fields instanceof SelectorError ? fields.message : fields.toString()
}

test('the field selector is read once: the first one given, with its escapes', () => {
  assert.equal(selected(''), '')
  assert.equal(selected('fieldSelector=metadata.name%3Da&fieldSelector=metadata.name%3Db'), 'metadata.name=a')
  assert.equal(selected('fieldSelector=&fieldSelector=metadata.name%3Db'), '')
  assert.equal(selected('fieldSelector=metadata.name%3Da%5C%5Cb'), 'metadata.name=a\\\\b')
  assert.match(selected('fieldSelector=metadata.name'), /invalid selector/)
  assert.match(selected(`fieldSelector=metadata.name%3D${'x'.repeat(150_000)}`), /at most are read/)
  assert.equal(requestInfo('GET', '/api/v1/namespaces/a/pods/b?fieldSelector=x%3Dy').fields, anyField, 'one object is not selected')
})
