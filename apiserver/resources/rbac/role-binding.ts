import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'
import { pathSegmentRule } from '../../rules/names.ts'
import { bindingGrantHooks } from '../../rules/no-escalation.ts'
import { bindingColumns, bindingProblems, bindingUpdateProblems, defaultBinding } from '../../rules/role-binding.ts'

export default ({ grants }: ResourceServices) =>
  defineResource('rbac.authorization.k8s.io/v1', 'RoleBinding', {
    validateName: pathSegmentRule,
    createsOnUpdate: true,
    columns: bindingColumns,
    applyDefaults: defaultBinding,
    validate: (binding) => bindingProblems(binding, { isNamespaced: true }),
    validateUpdate: bindingUpdateProblems,
    ...bindingGrantHooks(grants, 'rolebindings'),
  })
