import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { RoleRef, Subject } from '../../../shared/openapi/generated/rbac-v1.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import type { Column } from '../../registry/define-resource.ts'
import { sameValue } from '../../registry/same-value.ts'

const GROUP = 'rbac.authorization.k8s.io'

/** What RoleBinding and ClusterRoleBinding have in common. */
interface RoleBindingLike {
  metadata: { creationTimestamp?: string | undefined }
  subjects?: Subject[] | undefined
  roleRef: RoleRef
}

export function defaultBinding(binding: RoleBindingLike): void {
  binding.roleRef.apiGroup ||= GROUP
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= GROUP
  }
}

export const bindingColumns: readonly Column<RoleBindingLike>[] = [
  { name: 'Role', description: 'What is granted', value: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
  { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  { name: 'Users', priority: 1, description: 'Users it is granted to', value: (it) => subjectsCell(it, 'User') },
  { name: 'Groups', priority: 1, description: 'Groups it is granted to', value: (it) => subjectsCell(it, 'Group') },
  {
    name: 'ServiceAccounts',
    priority: 1,
    description: 'Service accounts it is granted to',
    value: (it) => subjectsCell(it, 'ServiceAccount'),
  },
]

function subjectsCell({ subjects = [] }: RoleBindingLike, kind: string): string {
  const wanted = subjects.filter((subject) => subject.kind === kind)
  return wanted.map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name)).join(', ')
}

/** Who and what are named properly. */
export function* bindingProblems(
  { roleRef, subjects }: RoleBindingLike,
  { isNamespaced }: { isNamespaced: boolean },
): Generator<FieldProblem> {
  if (roleRef.apiGroup !== GROUP) yield fieldProblem.notSupported('roleRef.apiGroup', roleRef.apiGroup, [GROUP])
  const kinds = isNamespaced ? ['ClusterRole', 'Role'] : ['ClusterRole']
  if (!kinds.includes(roleRef.kind)) yield fieldProblem.notSupported('roleRef.kind', roleRef.kind, kinds)
  if (!roleRef.name) yield fieldProblem.required('roleRef.name')
  for (const [index, subject] of (subjects ?? []).entries()) {
    yield* subjectProblems(subject, `subjects[${index}]`, isNamespaced)
  }
}

function* subjectProblems({ kind, name, namespace, apiGroup }: Subject, path: string, isNamespaced: boolean): Generator<FieldProblem> {
  if (!name) yield fieldProblem.required(`${path}.name`)
  switch (kind) {
    case 'ServiceAccount':
      if (name) for (const problem of subdomainProblems(name)) yield fieldProblem.invalid(`${path}.name`, name, problem)
      if (apiGroup) yield fieldProblem.notSupported(`${path}.apiGroup`, apiGroup, [''])
      // In a RoleBinding the account's namespace is the binding's own unless it says another.
      if (!namespace && !isNamespaced) yield fieldProblem.required(`${path}.namespace`)
      break
    case 'User':
    case 'Group':
      if (apiGroup !== GROUP) yield fieldProblem.notSupported(`${path}.apiGroup`, apiGroup ?? '', [GROUP])
      break
    default:
      yield fieldProblem.notSupported(`${path}.kind`, kind, ['Group', 'ServiceAccount', 'User'])
  }
}

/** What is granted may not change, or those who once agreed to it would be deceived. */
export function* bindingUpdateProblems(next: RoleBindingLike, previous: RoleBindingLike): Generator<FieldProblem> {
  if (!sameValue(next.roleRef, previous.roleRef)) yield fieldProblem.invalid('roleRef', next.roleRef, 'cannot change roleRef')
}
