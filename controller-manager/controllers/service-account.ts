import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'

/** Every namespace has a ServiceAccount `default`; Pods that name none run as it. */
export default defineController({
  name: 'serviceaccount',
  serviceAccount: 'service-account-controller',
  reconciles: ['v1', 'Namespace'],
  create({ informers, client, signal }) {
    const namespaces = informers.of('v1', 'Namespace')
    const accounts = informers.of('v1', 'ServiceAccount')
    return {
      watch(enqueue) {
        accounts.onChange((_key, current, previous) => {
          if (!current && previous?.metadata.name === 'default') enqueue(previous.metadata.namespace ?? '')
        })
      },
      async reconcile(key) {
        const namespace = namespaces.cache.get(key)
        if (!namespace || namespace.metadata.deletionTimestamp !== undefined || accounts.cache.get(`${key}/default`)) return
        try {
          await client.create('v1', 'ServiceAccount', { metadata: { name: 'default' } }, { namespace: key, signal })
        } catch (error) {
          if (!hasReason(error, 'AlreadyExists') && !hasReason(error, 'NotFound') && !hasReason(error, 'Forbidden')) throw error
        }
      },
    }
  },
})
