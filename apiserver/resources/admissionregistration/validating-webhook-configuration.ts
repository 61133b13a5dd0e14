import { defineResource } from '../../registry/define-resource.ts'
import { defaultWebhook, webhooksProblems } from '../../rules/admission/webhook.ts'

export default defineResource('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', {
  categories: ['api-extensions'],
  generation: true,
  columns: [{ name: 'Webhooks', type: 'integer', description: 'How many are asked', value: ({ webhooks = [] }) => webhooks.length }],
  applyDefaults({ webhooks = [] }) {
    for (const webhook of webhooks) defaultWebhook(webhook)
  },
  validate: ({ webhooks = [] }) => webhooksProblems(webhooks),
})
