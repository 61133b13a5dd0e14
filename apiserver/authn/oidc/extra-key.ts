import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { domainPathProblems } from '../../../shared/selectors/domain-path.ts'

/** Keys of a user's extra facts that a configuration may set: `example.org/team`, in lower case, and none of Kubernetes' own. */
export function* extraKeyProblems(key: string, path: string): Generator<FieldProblem> {
  yield* domainPathProblems(key, path)
  if (key !== key.toLowerCase()) yield fieldProblem.invalid(path, key, 'must be lowercase')
  const [domain = ''] = key.split('/', 1)
  if (key.includes('/') && ['kubernetes.io', 'k8s.io'].some((own) => domain === own || domain.endsWith(`.${own}`))) {
    yield fieldProblem.invalid(path, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use')
  }
}
