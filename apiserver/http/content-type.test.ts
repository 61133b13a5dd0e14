import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import { negotiate, negotiateStatus } from './content-type.ts'

const ask = (
  accept: string | undefined,
  more: { userAgent?: string; pretty?: string; includeObject?: string } = {},
  forDiscovery = false,
) => negotiate({ accept, userAgent: more.userAgent, pretty: more.pretty ?? null, includeObject: more.includeObject ?? null }, forDiscovery)

const KUBECTL = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'

const chosen: [string | undefined, string, string][] = [
  [undefined, 'object', 'json'],
  ['', 'object', 'json'],
  ['*/*', 'object', 'json'],
  ['application/*', 'object', 'json'],
  ['application/json', 'object', 'json'],
  ['application/yaml', 'object', 'yaml'],
  ['application/vnd.kubernetes.protobuf,application/json', 'object', 'protobuf'],
  ['*/*,application/vnd.kubernetes.protobuf', 'object', 'protobuf'],
  ['application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', 'metadata', 'protobuf'],
  ['application/json;q=0.1,application/yaml', 'object', 'yaml'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'object', 'json'],
  [KUBECTL, 'table', 'json'],
  ['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json', 'metadata', 'json'],
  ['application/json;stream=watch', 'object', 'json'],
]
for (const [accept, shape, format] of chosen) {
  test(`${accept ?? 'no Accept'} is ${shape} in ${format}`, () => {
    const found = ask(accept)
    assert.deepEqual([found.shape, found.format], [shape, format])
  })
}

for (const accept of [
  'text/html',
  'application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1',
  'application/json;q=0',
  'application/json;as=Table;v=v2;g=meta.k8s.io',
]) {
  test(`${accept} is not acceptable`, () =>
    assert.throws(
      () => ask(accept),
      (error) => error instanceof StatusError && error.code === 406,
    ))
}

test('tables and metadata are written in the version asked for', () => {
  const older = 'application/json;as=Table;v=v1beta1;g=meta.k8s.io'
  assert.deepEqual([ask(older).shape, ask(older).meta, ask(KUBECTL).meta], ['table', 'meta.k8s.io/v1beta1', 'meta.k8s.io/v1'])
  assert.notEqual(ask(older).key, ask(KUBECTL).key)
  assert.equal(ask('application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io').meta, 'meta.k8s.io/v1beta1')
})

test('tables of different content are different representations', () => {
  assert.notEqual(ask(KUBECTL).key, ask(KUBECTL, { includeObject: 'Object' }).key)
  assert.equal(ask(KUBECTL, { includeObject: 'Metadata' }).key, ask(KUBECTL).key)
})

test('lines for people, unless they say no', () => {
  assert.equal(ask('*/*', { userAgent: 'curl/8.5.0' }).pretty, true)
  assert.equal(ask('*/*', { userAgent: 'curl/8.5.0', pretty: 'false' }).pretty, false)
  assert.equal(ask('*/*', { userAgent: 'kubectl/v1.32' }).pretty, false)
  assert.equal(ask('*/*', { pretty: 'true' }).pretty, true)
})

test('the aggregated document only where there is one', () => {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
  assert.equal(ask(accept, {}, true).discovery, true)
  assert.equal(ask(accept).discovery, false)
  assert.equal(ask('application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json', {}, true).discovery, false)
})

test('an error is written in what is asked for first, and always in something', () => {
  const formOf = (accept: string | undefined) => negotiateStatus({ accept, userAgent: undefined, pretty: null, includeObject: null }).format
  const protobuf = 'application/vnd.kubernetes.protobuf'
  assert.deepEqual(
    [`${protobuf},application/json`, `application/json,${protobuf}`, `${protobuf};as=Table;g=meta.k8s.io;v=v1,application/json`].map(
      formOf,
    ),
    ['protobuf', 'json', 'json'],
  )
  assert.deepEqual([undefined, 'text/html', 'application/yaml', `${protobuf},`.repeat(10_000)].map(formOf), [
    'json',
    'json',
    'json',
    'json',
  ])
})
