import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'

const DOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
/** Characters that a path has without an escape (RFC 3986). */
const PATH = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/

/** Keys of a user's extra facts that a configuration may set: `example.org/team`, in lower case, and none of Kubernetes' own. */
export function extraKeyProblems(key: string, path: string): FieldProblem[] {
  if (key === '') return [fieldProblem.required(path)]
  const slash = key.indexOf('/')
  const domain = slash < 0 ? '' : key.slice(0, slash)
  const problems: FieldProblem[] = []
  if (slash < 0 || domain === '' || slash === key.length - 1) {
    problems.push(fieldProblem.invalid(path, key, 'must be a domain-prefixed path (such as "acme.io/foo")'))
  } else {
    if (!DOMAIN.test(domain.toLowerCase()) || domain.length > 253) {
      problems.push(fieldProblem.invalid(path, domain, 'its domain must be a lowercase RFC 1123 subdomain'))
    }
    if (!PATH.test(key.slice(slash + 1)))
      problems.push(fieldProblem.invalid(path, key.slice(slash + 1), 'its path has an invalid character'))
  }
  if (key !== key.toLowerCase()) problems.push(fieldProblem.invalid(path, key, 'must be lowercase'))
  if (['kubernetes.io', 'k8s.io'].some((own) => domain === own || domain.endsWith(`.${own}`))) {
    problems.push(fieldProblem.invalid(path, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'))
  }
  return problems
}
