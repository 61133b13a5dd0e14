import { jsonValue } from '../../../shared/cel/json-value.ts'
import { celLimits } from '../../../shared/cel/limits.ts'
import type { Program } from '../../../shared/cel/program.ts'
import { CelError, CelList, type Value } from '../../../shared/cel/value.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import { own } from '../../../shared/objects/own.ts'
import { systemGroup } from '../system-names.ts'
import type { User } from '../user.ts'
import type { JwtAuthenticator, PrefixedClaim } from './authentication-configuration.ts'
import { claimExpression, claimsValue, userExpression, userInfoType } from './claim-expressions.ts'

type Claims = Readonly<Record<string, unknown>>

/** Cost of all expressions for one token. */
const BUDGET = celLimits.callCost
/** How a token is named in a user's extra facts, as those of service accounts are. */
const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id'

/** Makes users of claims. @throws StatusError Unauthorized where they make none: the message says why */
export type UserOfClaims = (claims: Claims) => User

/** The mappings and rules of one authenticator, its expressions compiled. @param jwt without problems */
export function userOfClaims(jwt: JwtAuthenticator): UserOfClaims {
  const { username = {}, groups = {}, uid = {}, extra = [] } = jwt.claimMappings
  const programs = new Map<string, Program>()
  const expressions = [username.expression, groups.expression, uid.expression, ...extra.map((each) => each.valueExpression)]
  const rules = jwt.claimValidationRules ?? []
  const userRules = jwt.userValidationRules ?? []
  for (const source of [...expressions, ...rules.map((rule) => rule.expression)]) add(source, claimExpression)
  const userPrograms = new Map(userRules.map(({ expression = '' }) => [expression, made(userExpression(expression))]))

  function add(source: string | undefined, compile: typeof claimExpression): void {
    if (source) programs.set(source, made(compile(source)))
  }

  return (claims) => {
    let value: Value | undefined
    let left: number = BUDGET
    const run = (program: Program, source: string, name: string, given: Value): Value => {
      const result = program.evaluate(new Map([[name, given]]), left)
      left -= result.cost
      if (result.value instanceof CelError) throw refused(`expression '${source}' resulted in error: ${result.value.message}`)
      return result.value
    }
    const ask = (source: string): Value => run(programs.get(source)!, source, 'claims', (value ??= claimsValue(claims)))

    const found = {
      username: username.expression ? nameOf(ask(username.expression)) : nameInClaim(claims, username),
      groups: groups.expression ? textsOf(ask(groups.expression), 'group') : groupsInClaim(claims, groups),
      uid: uid.expression ? textOf(ask(uid.expression), 'uid') : uid.claim ? textClaim(claims, uid.claim, 'uid claim') : '',
      extra: Object.fromEntries([
        ...credentialId(claims),
        ...extra
          .map(({ key = '', valueExpression = '' }) => [key, textsOf(ask(valueExpression), 'extra')] as const)
          .filter(([, values]) => values.length > 0),
      ]),
    }
    for (const { claim = '', requiredValue = '', expression = '', message = '' } of rules) {
      if (claim !== '') checkRequired(claims, claim, requiredValue)
      else if (ask(expression) !== true) throw refused(`validation expression '${expression}' failed: ${message}`)
    }
    for (const { expression = '', message = '' } of userRules) {
      const verdict = run(userPrograms.get(expression)!, expression, 'user', jsonValue(found, userInfoType))
      if (verdict !== true) throw refused(`validation expression '${expression}' failed: ${message}`)
    }
    return {
      name: found.username,
      ...(found.uid === '' ? {} : { uid: found.uid }),
      groups: [...new Set([...found.groups, systemGroup.authenticated])],
      ...(Object.keys(found.extra).length > 0 ? { extra: found.extra } : {}),
    }
  }
}

function made(compiled: ReturnType<typeof claimExpression>): Program {
  if ('problems' in compiled) throw new TypeError(`an expression was not checked: ${compiled.problems}`)
  return compiled
}

function nameOf(value: Value): string {
  const name = textOf(value, 'username')
  if (name === '') throw refused('empty username via CEL expression is not allowed')
  return name
}

function nameInClaim(claims: Claims, { claim = '', prefix = '' }: PrefixedClaim): string {
  const name = textClaim(claims, claim, 'username claims')
  if (name === '') throw refused(`parse username claims ${JSON.stringify(claim)}: it is empty`)
  // OpenID Connect Core §5.1: the provider says by this whether the address is the user's own.
  const verified = own(claims, 'email_verified')
  if (claim === 'email' && Object.hasOwn(claims, 'email_verified') && verified !== true) {
    throw refused(verified === false ? 'email not verified' : "parse 'email_verified' claim: it is neither true nor false")
  }
  return prefix + name
}

function groupsInClaim(claims: Claims, { claim = '', prefix = '' }: PrefixedClaim): readonly string[] {
  if (claim === '') return []
  const found = own(claims, claim)
  if (found === undefined) {
    refuseDistributed(claims, claim)
    return []
  }
  // Administrators use claims such as `role` too, which is one text.
  const groups: unknown[] = Array.isArray(found) ? found : found === null ? [] : [found]
  return groups.map((group) => {
    if (typeof group !== 'string') throw refused(`parse groups claim ${JSON.stringify(claim)}: it is neither a text nor a list of texts`)
    return prefix + group
  })
}

/** A user without the groups that the provider keeps elsewhere would be another one than it means, and where to fetch them from is the token's choice. */
function refuseDistributed(claims: Claims, claim: string): void {
  const names = own(claims, '_claim_names')
  if (typeof names !== 'object' || names === null || !Object.hasOwn(names, claim)) return
  const cure = 'have the provider put them into the token'
  throw refused(
    `the claim ${JSON.stringify(claim)} is a distributed or aggregated claim (_claim_names), which is not resolved here; ${cure}`,
  )
}

function textClaim(claims: Claims, claim: string, what: string): string {
  const found = own(claims, claim)
  const why = found === undefined ? 'claim not present' : 'it is no text'
  if (typeof found !== 'string') throw refused(`parse ${what} ${JSON.stringify(claim)}: ${why}`)
  return found
}

function textOf(value: Value, what: string): string {
  if (typeof value !== 'string') throw refused(`error evaluating ${what} claim expression: ${what} claim expression must return a string`)
  return value
}

/** A text or a list of them; empty ones count as absent. */
function textsOf(value: Value, what: string): readonly string[] {
  const all = value === null ? [] : value instanceof CelList ? [...value] : [value]
  const texts = all.filter((each) => typeof each === 'string')
  if (texts.length < all.length) {
    throw refused(`error evaluating ${what} claim expression: expression must return a string or a list of strings`)
  }
  return texts.filter((text) => text !== '')
}

function credentialId(claims: Claims): [string, string[]][] {
  const id = own(claims, 'jti')
  return typeof id === 'string' && id !== '' ? [[CREDENTIAL_ID, [`JTI=${id}`]]] : []
}

function checkRequired(claims: Claims, claim: string, wanted: string): void {
  if (!Object.hasOwn(claims, claim)) throw refused(`required claim ${claim} not present in ID token`)
  const found = textClaim(claims, claim, 'claim')
  if (found !== wanted) throw refused(`required claim ${claim} value does not match. Got = ${found}, want = ${wanted}`)
}

const refused = (why: string) => new StatusError('Unauthorized', `oidc: ${why}`)
