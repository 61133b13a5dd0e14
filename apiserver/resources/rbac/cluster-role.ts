import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'
import { roleGrantHooks } from '../../rules/access/no-escalation.ts'
import { clusterRoleProblems } from '../../rules/access/role-rules.ts'
import { pathSegmentRule } from '../../rules/metadata/names.ts'

export default ({ grants }: ResourceServices) =>
  defineResource('rbac.authorization.k8s.io/v1', 'ClusterRole', {
    validateName: pathSegmentRule,
    createsOnUpdate: true,
    columns: [
      { name: 'Name', description: 'Name of the role', value: ({ metadata }) => metadata.name },
      { name: 'Created At', description: 'When it was created', value: ({ metadata }) => metadata.creationTimestamp },
    ],
    validate: clusterRoleProblems,
    ...roleGrantHooks(grants, 'clusterroles'),
  })
