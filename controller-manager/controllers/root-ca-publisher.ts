import { readFile } from 'node:fs/promises'
import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { ControllerSettings } from '../config.ts'

/** The ConfigMap from which Pods learn the CA of the API server. */
const NAME = 'kube-root-ca.crt'
const DESCRIPTION = 'kubernetes.io/description'

/** Publishes the CA certificate in every namespace, and repairs it where somebody changed it. */
export default defineController<ControllerSettings>({
  name: 'root-ca-cert-publisher',
  serviceAccount: 'root-ca-cert-publisher',
  reconciles: ['v1', 'Namespace'],
  create({ informers, client, signal }, settings) {
    const namespaces = informers.of('v1', 'Namespace')
    const maps = informers.of('v1', 'ConfigMap', { fieldSelector: `metadata.name=${NAME}` })
    return {
      watch(enqueue) {
        maps.onChange((_key, current, previous) => enqueue((current ?? previous)?.metadata.namespace ?? ''))
      },
      async reconcile(key) {
        const namespace = namespaces.cache.get(key)
        if (!namespace || namespace.metadata.deletionTimestamp !== undefined) return
        const data = { 'ca.crt': await readFile(settings.rootCaFile, 'utf8') }
        const existing = maps.cache.get(`${key}/${NAME}`)
        try {
          if (!existing) {
            const annotations = { [DESCRIPTION]: 'The certificate of the authority that signs the serving certificate of the API server.' }
            await client.create('v1', 'ConfigMap', { metadata: { name: NAME, annotations }, data }, { namespace: key, signal })
          } else if (!sameJson(existing.data, data)) {
            await client.update('v1', 'ConfigMap', { ...existing, data }, { signal })
          }
        } catch (error) {
          if (!hasReason(error, 'AlreadyExists') && !hasReason(error, 'NotFound') && !hasReason(error, 'Forbidden')) throw error
        }
      },
    }
  },
})
