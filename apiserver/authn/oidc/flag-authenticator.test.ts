import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../../shared/process/config.ts'
import { flagAuthenticator, oidcSettings } from './flag-authenticator.ts'

const OWN = 'https://kubernetes.default.svc.cluster.local'
const made = (...args: string[]) => flagAuthenticator(readConfig({ name: '', summary: '' }, oidcSettings, { args, env: {} }), OWN)
const both = ['--oidc-issuer-url=https://id.example', '--oidc-client-id=c']

test('without flags there is no provider', () => assert.equal(made(), undefined))

test('flags mean what upstream makes of them', () => {
  assert.deepEqual(made(...both), {
    jwt: {
      issuer: { url: 'https://id.example', audiences: ['c'] },
      claimMappings: { username: { claim: 'sub', prefix: 'https://id.example#' } },
      claimValidationRules: [],
    },
    algorithms: ['RS256'],
  })
  const all = made(
    ...[...both, '--oidc-groups-claim=roles', '--oidc-groups-prefix=g:', '--oidc-username-prefix=u:', '--oidc-signing-algs=ES256,PS512'],
    ...['--oidc-required-claim=hd=a=b,c', '--oidc-required-claim', 'tid=7'],
  )
  assert.deepEqual(all?.jwt.claimMappings, { username: { claim: 'sub', prefix: 'u:' }, groups: { claim: 'roles', prefix: 'g:' } })
  assert.deepEqual(all?.jwt.claimValidationRules, [
    { claim: 'hd', requiredValue: 'a=b,c' },
    { claim: 'tid', requiredValue: '7' },
  ])
  assert.deepEqual(all?.algorithms, ['ES256', 'PS512'])
})

const prefixes: [string[], string][] = [
  [[], 'https://id.example#'],
  [['--oidc-username-claim=email'], ''],
  [['--oidc-username-claim=email', '--oidc-username-prefix=x:'], 'x:'],
  [['--oidc-username-prefix=-'], ''],
  [['--oidc-username-claim=name', '--oidc-username-prefix='], 'https://id.example#'],
]
for (const [flags, prefix] of prefixes) {
  test(`user names begin with ${JSON.stringify(prefix)} with ${flags.join(' ') || 'no flag'}`, () =>
    assert.equal(made(...both, ...flags)?.jwt.claimMappings.username?.prefix, prefix))
}

const wrong: [string[], RegExp][] = [
  [['--oidc-client-id=c'], /--oidc-issuer-url and --oidc-client-id must be specified together .*\(--oidc-client-id\)/],
  [['--oidc-groups-claim=g'], /must be specified together .*\(--oidc-groups-claim\)/],
  [['--oidc-issuer-url=http://id.example', '--oidc-client-id=c'], /--oidc-issuer-url: "http:\/\/id.example" is not a URL with https/],
  [[`--oidc-issuer-url=${OWN}`, '--oidc-client-id=c'], /--oidc-issuer-url: .*URL must not overlap with disallowed issuers/],
  [[...both, '--oidc-signing-algs=HS256'], /--oidc-signing-algs: "HS256" is none of RS256, /],
  [[...both, '--oidc-signing-algs=none'], /"none" is none of/],
  [[...both, '--oidc-required-claim=hd'], /--oidc-required-claim: "hd" is no KEY=VALUE/],
  [[...both, '--oidc-ca-file=/no/such/file'], /--oidc-ca-file: \/no\/such\/file cannot be read: ENOENT/],
  [[...both, `--oidc-ca-file=${import.meta.filename}`], /--oidc-ca-file: Invalid value: "<omitted>": data does not contain any valid/],
]
for (const [flags, why] of wrong)
  test(`${flags.join(' ')} is refused`, () => assert.throws(() => made(...flags), { name: 'ConfigError', message: why }))
