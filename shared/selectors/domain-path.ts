import { type FieldProblem, fieldProblem } from '../errors/field-error.ts'
import { subdomainProblems } from './label-syntax.ts'

const PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const PATH_TEST = new RegExp(`^${PATH}$`)

/** A path below a domain: `example.com/queue`. */
export function* domainPathProblems(value: string, path: string): Generator<FieldProblem> {
  if (value === '') {
    yield fieldProblem.required(path)
    return
  }
  const slash = value.indexOf('/')
  if (slash <= 0 || slash === value.length - 1) {
    yield fieldProblem.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
    return
  }
  const domain = value.slice(0, slash)
  for (const problem of subdomainProblems(domain)) yield fieldProblem.invalid(path, domain, problem)
  const rest = value.slice(slash + 1)
  if (!PATH_TEST.test(rest)) yield fieldProblem.invalid(path, rest, `Invalid path (regex used for validation is '${PATH}')`)
}
