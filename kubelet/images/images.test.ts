import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Secret } from '../../shared/openapi/generated/core-v1.ts'
import { parseImageReference } from './image-reference.ts'
import { loginsFor, loginsOf } from './pull-secrets.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('image names', () => {
  for (const [text, registry, path, tag, digest] of [
    ['busybox', 'docker.io', 'library/busybox', undefined, undefined],
    ['busybox:1.36', 'docker.io', 'library/busybox', '1.36', undefined],
    ['team/app', 'docker.io', 'team/app', undefined, undefined],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io', 'pause', '3.10', undefined],
    ['localhost/app', 'localhost', 'app', undefined, undefined],
    ['host:5000/a/b:v1', 'host:5000', 'a/b', 'v1', undefined],
    [`host:5000/a@${DIGEST}`, 'host:5000', 'a', undefined, DIGEST],
    [`a:1@${DIGEST}`, 'docker.io', 'library/a', '1', DIGEST],
    ['[::1]:5000/a', '[::1]:5000', 'a', undefined, undefined],
  ] as const) {
    it(text, () => {
      const found = parseImageReference(text)
      assert.deepEqual([found?.registry, found?.path, found?.tag, found?.digest], [registry, path, tag, digest])
    })
  }
  for (const text of [
    '',
    'UPPER',
    'a b',
    'a:',
    ':1',
    'a//b',
    '-a',
    'a@sha256:short',
    'a:b:c',
    'host:5000/',
    'a/../b',
    `a:${'x'.repeat(129)}`,
  ]) {
    it(`is none: ${JSON.stringify(text)}`, () => assert.equal(parseImageReference(text), undefined))
  }
})

function secret(key: string, value: unknown): Secret {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { [key]: Buffer.from(text).toString('base64') } }
}
const basic = (user: string, password: string) => ({ auth: Buffer.from(`${user}:${password}`).toString('base64') })

describe('pull secrets', () => {
  const users = (image: string, auths: Record<string, unknown>) =>
    loginsFor(image, loginsOf(secret('.dockerconfigjson', { auths }))).map(({ username }) => username)

  it('reads both forms, and passwords with colons', () => {
    assert.equal(loginsOf(secret('.dockercfg', { host: basic('a', 'b:c') }))[0]?.credentials.password, 'b:c')
    assert.equal(loginsOf(secret('.dockerconfigjson', { auths: { host: { username: 'u', password: 'p' } } }))[0]?.credentials.username, 'u')
  })
  it('finds nothing in what is damaged', () => {
    assert.deepEqual(loginsOf(secret('.dockerconfigjson', '{')), [])
    assert.deepEqual(loginsOf(secret('.dockerconfigjson', { auths: { host: { auth: '' }, other: 7 } })), [])
    assert.deepEqual(loginsOf(secret('other', {})), [])
  })
  it('knows the names of the public registry', () => {
    assert.deepEqual(users('busybox', { 'https://index.docker.io/v1/': basic('hub', 'x'), 'ghcr.io': basic('gh', 'x') }), ['hub'])
  })
  it('prefers the closest, and does not take part of a name for the whole', () => {
    const auths = { 'host:5000': basic('all', 'x'), 'host:5000/team': basic('team', 'x'), 'host:5000/teamster': basic('no', 'x') }
    assert.deepEqual(users('host:5000/team/app', auths), ['team', 'all'])
    assert.deepEqual(users('otherhost:5000/team/app', auths), [])
  })
  it('takes a star for one part of a host', () => {
    assert.deepEqual(users('eu.example.com/a', { '*.example.com': basic('star', 'x') }), ['star'])
    assert.deepEqual(users('a.b.example.com/a', { '*.example.com': basic('star', 'x') }), [])
  })
  it('matches stars in any number, in no time', () => {
    const fits = (pattern: string, host: string) => users(`${host}.io/app`, { [`${pattern}.io`]: basic('u', 'x') }).length === 1
    for (const pattern of ['*', 'eu*', '*-1', 'eu*1', 'e*-*1', '**', 'eu-1*', '*u*-*']) assert.ok(fits(pattern, 'eu-1'), pattern)
    for (const pattern of ['', 'eu', 'eu-1*1', '*1*e*', 'eu-*-1', '*x*']) assert.ok(!fits(pattern, 'eu-1'), pattern)
    const began = process.cpuUsage()
    assert.ok(!fits(`${'a*'.repeat(30)}b`, 'a'.repeat(60)))
    assert.ok(process.cpuUsage(began).user < 1_000_000)
  })
})
