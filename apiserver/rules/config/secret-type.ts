import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { own } from '../../../shared/objects/own.ts'
import type { Secret } from '../../../shared/openapi/generated/core-v1.ts'

/** Keys that must be there, by type (secretTypes of the core API). */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
}
const jsonKeys: readonly string[] = ['.dockercfg', '.dockerconfigjson']
const ACCOUNT = 'kubernetes.io/service-account.name'

/** What a Secret's type asks of its content. */
export function* secretTypeProblems(secret: Secret): Generator<FieldProblem> {
  const { type = '', data = {} } = secret
  for (const key of own(requiredKeys, type) ?? []) {
    const value = own(data, key)
    if (value === undefined) yield fieldProblem.required(`data[${key}]`)
    else if (jsonKeys.includes(key) && !isJson(value)) {
      yield fieldProblem.invalid(`data[${key}]`, '<secret contents redacted>', 'unexpected end of JSON input')
    }
  }
  if (type === 'kubernetes.io/basic-auth' && data['username'] === undefined && data['password'] === undefined) {
    yield fieldProblem.required('data[username]')
    yield fieldProblem.required('data[password]')
  }
  if (type === 'kubernetes.io/service-account-token' && !secret.metadata.annotations?.[ACCOUNT]) {
    yield fieldProblem.required(`metadata.annotations[${ACCOUNT}]`)
  }
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString())
    return true
  } catch {
    // Not JSON is the answer, not a failure.
    return false
  }
}
