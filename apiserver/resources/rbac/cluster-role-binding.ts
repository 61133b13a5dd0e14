import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'
import { pathSegmentRule } from '../../rules/names.ts'
import { bindingGrantHooks } from '../../rules/no-escalation.ts'
import { bindingColumns, bindingProblems, bindingUpdateProblems, defaultBinding } from '../../rules/role-binding.ts'

export default ({ grants }: ResourceServices) =>
  defineResource('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', {
    validateName: pathSegmentRule,
    createsOnUpdate: true,
    columns: bindingColumns,
    applyDefaults: defaultBinding,
    validate: (binding) => bindingProblems(binding, { isNamespaced: false }),
    validateUpdate: bindingUpdateProblems,
    ...bindingGrantHooks(grants, 'clusterrolebindings'),
  })
