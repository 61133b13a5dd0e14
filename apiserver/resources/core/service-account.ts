import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'
import { tokenAction } from '../../rules/access/token-request.ts'

export default (services: ResourceServices) =>
  defineResource('v1', 'ServiceAccount', {
    shortNames: ['sa'],
    answersDeletedObject: true,
    columns: [
      { name: 'Secrets', description: 'Number of secrets listed by the account', value: (account) => account.secrets?.length ?? 0 },
    ],
    actions: { token: tokenAction(services) },
  })
