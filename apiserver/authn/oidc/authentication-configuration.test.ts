import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ConfigError } from '../../../shared/process/config.ts'
import { serverPapers } from '../../../test/harness/hook-server.ts'
import { readAuthenticationConfiguration } from './authentication-configuration.ts'

const OWN = 'https://kubernetes.default.svc.cluster.local'
const issuer = { url: 'https://id.example', audiences: ['a'] }
const username = { claim: 'sub', prefix: '' }
const claimMappings = { username }
let directory: string

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'authentication-'))
})
after(() => rmSync(directory, { recursive: true }))

function read(fields: object) {
  const path = join(directory, 'authentication.json')
  const head = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration' }
  writeFileSync(path, JSON.stringify({ ...head, ...fields }))
  return readAuthenticationConfiguration(path, OWN)
}

async function wrong(fields: object, ...sentences: string[]) {
  await assert.rejects(read(fields), (error) => {
    assert.ok(error instanceof ConfigError)
    const lines = error.message.split('\n').map((line) => line.slice(line.indexOf('.json: ') + 7))
    for (const sentence of sentences) assert.ok(lines.includes(sentence), `${sentence}\n  is none of\n${lines.join('\n')}`)
    return true
  })
}

const one = (changes: object) => ({ jwt: [{ issuer, claimMappings, ...changes }] })

describe('an AuthenticationConfiguration', () => {
  it('is taken with everything in it', async () => {
    const { authority } = await serverPapers({ ip: ['127.0.0.1'] })
    const { configuration, warnings } = await read({
      jwt: [
        {
          issuer: {
            ...issuer,
            discoveryURL: 'https://in.example/oidc',
            certificateAuthority: authority,
            audiences: ['a', 'b'],
            audienceMatchPolicy: 'MatchAny',
          },
          claimMappings: {
            username: {
              expression: 'claims.email_verified.orValue(true) ? claims.email : ""'.replace('.email_verified', '.?email_verified'),
            },
            groups: { expression: 'claims.roles.split(",")' },
            uid: { claim: 'oid' },
            extra: [{ key: 'example.org/team', valueExpression: 'claims.team' }],
          },
          claimValidationRules: [
            { claim: 'hd', requiredValue: 'x' },
            { expression: 'claims.exp - claims.nbf <= 86400', message: 'too long' },
          ],
          userValidationRules: [{ expression: "!user.username.startsWith('system:')", message: 'reserved' }],
        },
      ],
      anonymous: { enabled: true, conditions: [{ path: '/livez' }] },
    })
    assert.deepEqual(warnings, [])
    assert.deepEqual(configuration.anonymous, { enabled: true, conditions: [{ path: '/livez' }] })
    assert.equal(configuration.jwt?.length, 1)
  })

  it('may name nobody', async () => {
    assert.deepEqual((await read({ jwt: [] })).configuration.jwt, [])
    await read({ anonymous: { enabled: false } })
  })

  const at = (field: string) => `jwt[0].${field}`
  const cases: [string, object, ...string[]][] = [
    ['an unknown field', one({ claimMapping: {} }), 'jwt[0].claimMapping: unknown field; did you mean claimMappings?'],
    ['no issuer', { jwt: [{ claimMappings }] }, "jwt[0]: must have required property 'issuer'"],
    ['an issuer without URL', one({ issuer: { audiences: ['a'] } }), `${at('issuer.url')}: Required value`],
    [
      'plain HTTP',
      one({ issuer: { ...issuer, url: 'http://id.example' } }),
      `${at('issuer.url')}: Invalid value: "http://id.example": URL scheme must be https`,
    ],
    [
      'a URL with everything',
      one({ issuer: { ...issuer, url: 'https://a:b@id.example?c=d#e' } }),
      ...['a username or password', 'a query', 'a fragment'].map(
        (what) => `${at('issuer.url')}: Invalid value: "https://a:b@id.example?c=d#e": URL must not contain ${what}`,
      ),
    ],
    [
      'our own issuer',
      one({ issuer: { ...issuer, url: OWN } }),
      `${at('issuer.url')}: Invalid value: "${OWN}": URL must not overlap with disallowed issuers: [${OWN}]`,
    ],
    [
      'discovery at the issuer itself',
      one({ issuer: { ...issuer, discoveryURL: 'https://id.example/' } }),
      `${at('issuer.discoveryURL')}: Invalid value: "https://id.example/": discoveryURL must be different from URL`,
    ],
    [
      'no audience',
      one({ issuer: { ...issuer, audiences: [] } }),
      `${at('issuer.audiences')}: Required value: at least one jwt[0].issuer.audiences is required`,
    ],
    [
      'the same audience twice',
      one({ issuer: { ...issuer, audiences: ['a', 'a'], audienceMatchPolicy: 'MatchAny' } }),
      `${at('issuer.audiences[1]')}: Duplicate value: "a"`,
    ],
    [
      'several audiences without saying so',
      one({ issuer: { ...issuer, audiences: ['a', 'b'] } }),
      `${at('issuer.audienceMatchPolicy')}: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences`,
    ],
    [
      'no certificates',
      one({ issuer: { ...issuer, certificateAuthority: 'x' } }),
      `${at('issuer.certificateAuthority')}: Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates`,
    ],
    ['no user name', one({ claimMappings: {} }), `${at('claimMappings.username')}: Required value: claim or expression is required`],
    [
      'no prefix',
      one({ claimMappings: { username: { claim: 'sub' } } }),
      `${at('claimMappings.username.prefix')}: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing`,
    ],
    [
      'a claim and an expression',
      one({ claimMappings: { username: { claim: 'sub', expression: 'claims.sub' }, uid: { claim: 'a', expression: 'claims.a' } } }),
      `${at('claimMappings.username')}: Invalid value: "": claim and expression can't both be set`,
      `${at('claimMappings.uid')}: Invalid value: "": claim and expression can't both be set`,
    ],
    [
      'a prefix for an expression',
      one({ claimMappings: { username, groups: { expression: 'claims.g', prefix: 'x' } } }),
      `${at('claimMappings.groups.prefix')}: Invalid value: "x": may not be specified when expression is set`,
    ],
    [
      'an email of which nobody asks whether it is verified',
      one({ claimMappings: { username: { expression: 'claims.email' } } }),
      `${at('claimMappings.username.expression')}: Invalid value: "claims.email": claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression`,
    ],
    ...(
      [
        ['team', 'must be a domain-prefixed path (such as "acme.io/foo")'],
        ['example.org/Team', 'must be lowercase'],
        ['sub.kubernetes.io/team', 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'],
      ] as const
    ).map(([key, why]): [string, object, string] => [
      `the extra key ${key}`,
      one({ claimMappings: { username, extra: [{ key, valueExpression: '"a"' }] } }),
      `${at('claimMappings.extra[0].key')}: Invalid value: "${key}": ${why}`,
    ]),
    [
      'an extra key whose domain and path are none',
      one({ claimMappings: { username, extra: [{ key: 'Example.org/a b', valueExpression: '"a"' }] } }),
      `${at('claimMappings.extra[0].key')}: Invalid value: "Example.org": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
      `${at('claimMappings.extra[0].key')}: Invalid value: "a b": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')`,
      `${at('claimMappings.extra[0].key')}: Invalid value: "Example.org/a b": must be lowercase`,
    ],
    [
      'a rule with nothing in it, one with too much, and the same one twice',
      one({ claimValidationRules: [{}, { claim: 'a', message: 'm' }, { expression: 'true', requiredValue: 'v' }, { expression: 'true' }] }),
      `${at('claimValidationRules[0]')}: Required value: claim or expression is required`,
      `${at('claimValidationRules[1].message')}: Invalid value: "m": may not be specified when claim is set`,
      `${at('claimValidationRules[2].requiredValue')}: Invalid value: "v": may not be specified when expression is set`,
      `${at('claimValidationRules[3].expression')}: Duplicate value: "true"`,
    ],
    [
      'a rule that answers no yes or no',
      one({ claimValidationRules: [{ expression: 'claims.a' }], userValidationRules: [{ expression: 'user.username' }, {}] }),
      `${at('claimValidationRules[0].expression')}: Invalid value: "claims.a": must evaluate to bool but got dyn`,
      `${at('userValidationRules[0].expression')}: Invalid value: "user.username": must evaluate to bool but got string`,
      `${at('userValidationRules[1].expression')}: Required value`,
    ],
    [
      'conditions for nobody',
      { anonymous: { enabled: false, conditions: [{ path: '/x' }] } },
      'anonymous.conditions: Invalid value: [{"path":"/x"}]: enabled should be set to true when conditions are defined',
    ],
  ]
  for (const [what, fields, ...sentences] of cases) it(`is refused with ${what}`, () => wrong(fields, ...sentences))

  it('is refused with the same issuer twice, and with too many', async () => {
    await wrong(
      {
        jwt: [
          { issuer, claimMappings },
          { issuer, claimMappings },
        ],
      },
      'jwt[1].issuer.url: Duplicate value: "https://id.example"',
    )
    const many = Array.from({ length: 65 }, (_, index) => ({ issuer: { ...issuer, url: `https://${index}.example` }, claimMappings }))
    await wrong({ jwt: many }, 'jwt: Too many: 65: must have at most 64 items')
  })

  it('is refused with expressions that cannot be compiled, in the words of the language', async () => {
    await assert.rejects(
      read(one({ claimMappings: { username: { expression: 'claim.sub' } } })),
      /username\.expression: Invalid value: "claim\.sub": compilation failed: ERROR: <input>:1:1: undeclared reference to 'claim'/,
    )
  })
})
