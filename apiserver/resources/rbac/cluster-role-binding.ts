import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'
import { bindingGrantHooks } from '../../rules/access/no-escalation.ts'
import { bindingColumns, bindingProblems, bindingUpdateProblems, defaultBinding } from '../../rules/access/role-binding.ts'
import { pathSegmentRule } from '../../rules/metadata/names.ts'

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
