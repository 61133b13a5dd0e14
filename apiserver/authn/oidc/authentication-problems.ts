import { X509Certificate } from 'node:crypto'
import { usesField } from '../../../shared/cel/uses-field.ts'
import { decodePem, encodePem } from '../../../shared/certificates/pem.ts'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  AuthenticationConfiguration,
  ClaimMappings,
  ClaimValidationRule,
  IssuerChoice,
  JwtAuthenticator,
  PrefixedClaim,
  UserValidationRule,
} from './authentication-configuration.ts'
import { claimExpression, userExpression } from './claim-expressions.ts'
import { extraKeyProblems } from './extra-key.ts'

/** Upstream's. */
const MOST_AUTHENTICATORS = 64

/** What is wrong with a configuration that fits its schema: upstream's rules, paths and words. */
export function authenticationProblems({ jwt = [], anonymous }: AuthenticationConfiguration, ownIssuer: string): FieldProblem[] {
  if (jwt.length > MOST_AUTHENTICATORS) return [fieldProblem.tooMany('jwt', jwt.length, MOST_AUTHENTICATORS)]
  const problems = jwt.flatMap((authenticator, index) => jwtProblems(authenticator, `jwt[${index}]`, ownIssuer))
  for (const field of ['url', 'discoveryURL'] as const) {
    for (const [index, { issuer }] of jwt.entries()) {
      const value = issuer[field]
      if (value && jwt.findIndex((other) => other.issuer[field] === value) < index) {
        problems.push(fieldProblem.duplicate(`jwt[${index}].issuer.${field}`, value))
      }
    }
  }
  if (anonymous && !anonymous.enabled && (anonymous.conditions ?? []).length > 0) {
    const why = 'enabled should be set to true when conditions are defined'
    problems.push(fieldProblem.invalid('anonymous.conditions', anonymous.conditions, why))
  }
  return problems
}

/** The same of one authenticator. @param at its field path */
export function jwtProblems(jwt: JwtAuthenticator, at: string, ownIssuer: string): FieldProblem[] {
  return [
    ...issuerProblems(jwt.issuer, `${at}.issuer`, ownIssuer),
    ...ruleProblems(jwt.claimValidationRules ?? [], `${at}.claimValidationRules`),
    ...mappingProblems(jwt, `${at}.claimMappings`),
    ...userRuleProblems(jwt.userValidationRules ?? [], `${at}.userValidationRules`),
  ]
}

function issuerProblems(issuer: IssuerChoice, at: string, ownIssuer: string): FieldProblem[] {
  const { url = '', discoveryURL = '', audiences = [], audienceMatchPolicy = '', certificateAuthority = '' } = issuer
  const problems: FieldProblem[] = []
  if (url === '') problems.push(fieldProblem.required(`${at}.url`))
  else {
    // Its tokens would be taken for those of service accounts, or the other way round.
    if (url === ownIssuer) {
      problems.push(fieldProblem.invalid(`${at}.url`, url, `URL must not overlap with disallowed issuers: [${ownIssuer}]`))
    }
    problems.push(...urlProblems(url, `${at}.url`))
  }
  if (discoveryURL !== '') {
    if (withoutSlash(url) === withoutSlash(discoveryURL)) {
      problems.push(fieldProblem.invalid(`${at}.discoveryURL`, discoveryURL, 'discoveryURL must be different from URL'))
    }
    problems.push(...urlProblems(discoveryURL, `${at}.discoveryURL`))
  }
  problems.push(...audienceProblems(audiences, audienceMatchPolicy, at))
  if (certificateAuthority !== '') {
    const why = authorityProblem(certificateAuthority)
    if (why !== undefined) problems.push(fieldProblem.invalid(`${at}.certificateAuthority`, '<omitted>', why))
  }
  return problems
}

const withoutSlash = (url: string) => url.replace(/\/+$/, '')

function urlProblems(text: string, path: string): FieldProblem[] {
  if (!URL.canParse(text)) return [fieldProblem.invalid(path, text, 'is no URL')]
  const { protocol, username, password, search, hash } = new URL(text)
  const rules: [boolean, string][] = [
    [protocol !== 'https:', 'URL scheme must be https'],
    [username !== '' || password !== '', 'URL must not contain a username or password'],
    [search !== '', 'URL must not contain a query'],
    [hash !== '', 'URL must not contain a fragment'],
  ]
  return rules.filter(([isBroken]) => isBroken).map(([, why]) => fieldProblem.invalid(path, text, why))
}

function audienceProblems(audiences: readonly string[], policy: string, at: string): FieldProblem[] {
  const path = `${at}.audiences`
  if (audiences.length === 0) return [fieldProblem.required(path, `at least one ${path} is required`)]
  const problems: FieldProblem[] = []
  for (const [index, audience] of audiences.entries()) {
    if (audience === '') problems.push(fieldProblem.required(`${path}[${index}]`))
    if (audiences.indexOf(audience) < index) problems.push(fieldProblem.duplicate(`${path}[${index}]`, audience))
  }
  if (policy !== 'MatchAny' && (audiences.length > 1 || policy !== '')) {
    const why = audiences.length > 1 ? 'must be MatchAny for multiple audiences' : 'must be empty or MatchAny for single audience'
    problems.push(fieldProblem.invalid(`${at}.audienceMatchPolicy`, policy, `audienceMatchPolicy ${why}`))
  }
  return problems
}

/** Why a bundle of authorities is none. */
export function authorityProblem(pem: string): string | undefined {
  try {
    const blocks = decodePem('CERTIFICATE', pem)
    for (const block of blocks) new X509Certificate(encodePem('CERTIFICATE', block))
    return blocks.length > 0 ? undefined : 'data does not contain any valid RSA or ECDSA certificates'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function ruleProblems(rules: readonly ClaimValidationRule[], path: string): FieldProblem[] {
  return rules.flatMap((rule, index) => {
    const at = `${path}[${index}]`
    const { claim = '', requiredValue = '', expression = '', message = '' } = rule
    const isSecond = (field: 'claim' | 'expression') => rules.findIndex((other) => other[field] === rule[field]) < index
    if (claim !== '' && expression !== '') return [fieldProblem.invalid(at, claim, "claim and expression can't both be set")]
    if (claim === '' && expression === '') return [fieldProblem.required(at, 'claim or expression is required')]
    if (claim !== '') {
      return [
        ...(message === '' ? [] : [fieldProblem.invalid(`${at}.message`, message, 'may not be specified when claim is set')]),
        ...(isSecond('claim') ? [fieldProblem.duplicate(`${at}.claim`, claim)] : []),
      ]
    }
    const value = `${at}.requiredValue`
    return [
      ...(requiredValue === '' ? [] : [fieldProblem.invalid(value, requiredValue, 'may not be specified when expression is set')]),
      ...(isSecond('expression')
        ? [fieldProblem.duplicate(`${at}.expression`, expression)]
        : compiled(claimExpression(expression, 'bool'), expression, `${at}.expression`)),
    ]
  })
}

function mappingProblems({ claimMappings, claimValidationRules = [] }: JwtAuthenticator, at: string): FieldProblem[] {
  const { username = {}, groups = {}, uid = {} } = claimMappings
  const problems = [...prefixedProblems(username, `${at}.username`, true), ...prefixedProblems(groups, `${at}.groups`, false)]
  if (uid.claim && uid.expression) problems.push(bothSet(`${at}.uid`))
  else if (uid.expression) problems.push(...compiled(claimExpression(uid.expression), uid.expression, `${at}.uid.expression`))
  problems.push(...extraProblems(claimMappings, `${at}.extra`))

  const others = [
    ...(claimMappings.extra ?? []).map((each) => each.valueExpression),
    ...claimValidationRules.map((rule) => rule.expression),
  ]
  const { expression = '' } = username
  if (uses(expression, 'email') && ![expression, ...others].some((each) => uses(each ?? '', 'email_verified'))) {
    const places = 'claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression'
    const why = `claims.email_verified must be used in ${places} when claims.email is used in claimMappings.username.expression`
    problems.push(fieldProblem.invalid(`${at}.username.expression`, expression, why))
  }
  return problems
}

const uses = (expression: string, claim: string) => expression !== '' && usesField(expression, 'claims', claim)
const bothSet = (path: string) => fieldProblem.invalid(path, '', "claim and expression can't both be set")

function prefixedProblems(mapping: PrefixedClaim, at: string, isRequired: boolean): FieldProblem[] {
  const { claim = '', expression = '', prefix } = mapping
  if (claim !== '' && expression !== '') return [bothSet(at)]
  if (expression !== '') {
    return [
      ...(prefix === undefined ? [] : [fieldProblem.invalid(`${at}.prefix`, prefix, 'may not be specified when expression is set')]),
      ...compiled(claimExpression(expression), expression, `${at}.expression`),
    ]
  }
  if (claim === '') return isRequired ? [fieldProblem.required(at, 'claim or expression is required')] : []
  const why = 'prefix is required when claim is set. It can be set to an empty string to disable prefixing'
  return prefix === undefined ? [fieldProblem.required(`${at}.prefix`, why)] : []
}

function extraProblems({ extra = [] }: ClaimMappings, path: string): FieldProblem[] {
  return extra.flatMap(({ key = '', valueExpression = '' }, index) => {
    const at = `${path}[${index}]`
    const problems = [...extraKeyProblems(key, `${at}.key`)]
    if (extra.findIndex((other) => other.key === key) < index) return [...problems, fieldProblem.duplicate(`${at}.key`, key)]
    if (valueExpression === '') return [...problems, fieldProblem.required(`${at}.valueExpression`)]
    return [...problems, ...compiled(claimExpression(valueExpression), valueExpression, `${at}.valueExpression`)]
  })
}

function userRuleProblems(rules: readonly UserValidationRule[], path: string): FieldProblem[] {
  return rules.flatMap(({ expression = '' }, index) => {
    const at = `${path}[${index}].expression`
    if (expression === '') return [fieldProblem.required(at)]
    if (rules.findIndex((other) => other.expression === expression) < index) return [fieldProblem.duplicate(at, expression)]
    return compiled(userExpression(expression), expression, at)
  })
}

function compiled(result: object, expression: string, path: string): FieldProblem[] {
  return 'problems' in result ? [fieldProblem.invalid(path, expression, String(result.problems))] : []
}
