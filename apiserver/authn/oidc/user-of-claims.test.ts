import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { User } from '../user.ts'
import { userOfClaims } from './user-of-claims.ts'

const usual = { sub: 'jane', exp: 2_000_000_000 }
const prefixed = { username: { claim: 'sub', prefix: 'oidc:' }, groups: { claim: 'groups', prefix: 'oidc:' } }
const refused = (ask: () => User, why: RegExp) => assert.throws(ask, { code: 401, message: why })

describe('mappings and rules', () => {
  const cases: [string, object, Record<string, unknown>, Partial<User> | RegExp][] = [
    [
      'an email that is verified',
      { username: { claim: 'email', prefix: '' } },
      { email: 'j@x.io', email_verified: true },
      { name: 'j@x.io' },
    ],
    ['an email of which nothing is said', { username: { claim: 'email', prefix: '' } }, { email: 'j@x.io' }, { name: 'j@x.io' }],
    [
      'an email that is not',
      { username: { claim: 'email', prefix: '' } },
      { email: 'j@x.io', email_verified: false },
      /email not verified/,
    ],
    [
      'a text for verified',
      { username: { claim: 'email', prefix: '' } },
      { email: 'j@x.io', email_verified: 'true' },
      /parse 'email_verified'/,
    ],
    ['a user name by expression', { username: { expression: '"u:" + claims.sub' } }, {}, { name: 'u:jane' }],
    ['one that is empty', { username: { expression: 'claims.sub.substring(4)' } }, {}, /empty username via CEL expression/],
    ['one that is no text', { username: { expression: 'claims.exp' } }, {}, /username claim expression must return a string/],
    ['one that has no value', { username: { expression: 'claims.nobody' } }, {}, /resulted in error: no such key: nobody/],
    [
      'groups by expression',
      { username: { expression: 'claims.sub' }, groups: { expression: 'claims.roles.map(r, "g:" + r) + [""]' } },
      { roles: ['a', 'b'] },
      { groups: ['g:a', 'g:b', 'system:authenticated'] },
    ],
    [
      'a group by expression',
      { username: { expression: 'claims.sub' }, groups: { expression: 'claims.sub' } },
      {},
      { groups: ['jane', 'system:authenticated'] },
    ],
    [
      'groups that are none',
      { username: { expression: 'claims.sub' }, groups: { expression: '[1]' } },
      {},
      /must return a string or a list of strings/,
    ],
    ['a uid by claim', { username: { expression: 'claims.sub' }, uid: { claim: 'oid' } }, { oid: 'u-1' }, { uid: 'u-1' }],
    [
      'a uid that is missing',
      { username: { expression: 'claims.sub' }, uid: { claim: 'oid' } },
      {},
      /parse uid claim "oid": claim not present/,
    ],
    ['a uid by expression', { username: { expression: 'claims.sub' }, uid: { expression: '"u" + claims.sub' } }, {}, { uid: 'ujane' }],
    [
      'extra facts',
      {
        username: { expression: 'claims.sub' },
        extra: [
          { key: 'example.org/team', valueExpression: 'claims.team' },
          { key: 'example.org/none', valueExpression: '[]' },
        ],
      },
      { team: ['a', 'b'], jti: '1' },
      { extra: { 'authentication.kubernetes.io/credential-id': ['JTI=1'], 'example.org/team': ['a', 'b'] } },
    ],
    [
      'numbers, which are doubles',
      { username: { expression: 'claims.level == 3.0 && claims.level + 0.5 == 3.5 ? "three" : "" ' } },
      { level: 3 },
      { name: 'three' },
    ],
  ]
  for (const [what, claimMappings, claims, expected] of cases) {
    it(`know ${what}`, () => {
      const userOf = userOfClaims({ issuer: {}, claimMappings })
      if (expected instanceof RegExp) return refused(() => userOf({ ...usual, ...claims }), expected)
      const user = userOf({ ...usual, ...claims })
      assert.deepEqual({ ...user, ...expected }, user)
    })
  }

  const rules: [string, object, Record<string, unknown>, RegExp | undefined][] = [
    ['a claim with its value', { claimValidationRules: [{ claim: 'hd', requiredValue: 'x.io' }] }, { hd: 'x.io' }, undefined],
    [
      'a claim with another',
      { claimValidationRules: [{ claim: 'hd', requiredValue: 'x.io' }] },
      { hd: 'y.io' },
      /required claim hd value does not match. Got = y.io, want = x.io/,
    ],
    ['a claim without', { claimValidationRules: [{ claim: 'hd', requiredValue: 'x.io' }] }, {}, /required claim hd not present/],
    ['a claim with a list', { claimValidationRules: [{ claim: 'hd', requiredValue: 'x.io' }] }, { hd: ['x.io'] }, /parse claim "hd"/],
    [
      'an expression that holds',
      { claimValidationRules: [{ expression: 'claims.exp - claims.iat <= 7200.0', message: 'too long' }] },
      { iat: usual.exp - 3600 },
      undefined,
    ],
    [
      'one that does not',
      { claimValidationRules: [{ expression: 'claims.hd == "x.io"', message: 'only x.io' }] },
      { hd: 'y.io' },
      /validation expression .* failed: only x\.io/,
    ],
    ['one without a value', { claimValidationRules: [{ expression: 'claims.hd == "x.io"', message: 'only x.io' }] }, {}, /no such key: hd/],
    [
      'one that costs too much',
      {
        claimValidationRules: [{ expression: 'claims.l.all(a, claims.l.all(b, claims.l.all(c, claims.l.all(d, a + b + c + d != "x"))))' }],
      },
      { l: Array.from({ length: 100 }, (_, index) => `${index}`) },
      /cost limit exceeded/,
    ],
    [
      'a user who may not be',
      { userValidationRules: [{ expression: "!user.groups.exists(g, g.startsWith('oidc:system:'))", message: 'no masters' }] },
      { groups: ['system:masters'] },
      /failed: no masters/,
    ],
    ['a user who may', { userValidationRules: [{ expression: "user.username == 'oidc:jane' && user.uid == ''" }] }, {}, undefined],
  ]
  for (const [what, changes, claims, why] of rules) {
    it(`judge ${what}`, () => {
      const userOf = userOfClaims({ issuer: {}, claimMappings: prefixed, ...changes })
      const ask = () => userOf({ ...usual, ...claims })
      if (why) refused(ask, why)
      else assert.equal(ask().name, 'oidc:jane')
    })
  }
})
