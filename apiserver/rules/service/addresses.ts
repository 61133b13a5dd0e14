import { isIP, isIPv4 } from 'node:net'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'

export function* addressProblems(address: string, path: string): Generator<FieldProblem> {
  if (isIP(address) === 0) yield fieldProblem.invalid(path, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')
}

export function* cidrProblems(range: string, path: string): Generator<FieldProblem> {
  const match = /^(.+)\/(\d{1,3})$/.exec(range)
  const isRange = match !== null && isIP(match[1]!) !== 0 && Number(match[2]) <= (isIPv4(match[1]!) ? 32 : 128)
  if (!isRange) yield fieldProblem.invalid(path, range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')
}
