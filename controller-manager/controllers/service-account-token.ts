import { readFile } from 'node:fs/promises'
import { requestToken } from '../../shared/client/request-token.ts'
import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { Secret, ServiceAccount } from '../../shared/openapi/generated/core-v1.ts'
import type { ControllerSettings } from '../config.ts'

const TYPE = 'kubernetes.io/service-account-token'
const ACCOUNT_NAME = 'kubernetes.io/service-account.name'
const ACCOUNT_UID = 'kubernetes.io/service-account.uid'
const accountKey = ({ metadata }: Secret) => `${metadata.namespace}/${metadata.annotations?.[ACCOUNT_NAME] ?? ''}`
const BY_ACCOUNT = { account: accountKey }
/** The longest life that a TokenRequest gives: the end of such a token is its Secret's. */
const SECONDS = 2 ** 32

/**
 * Fills Secrets of the type `kubernetes.io/service-account-token` and removes those whose account is gone. Upstream signs tokens without an
 * end, which whoever has the Secret could forge into other Secrets; these are bound to their Secret, and deleting it ends them at once.
 */
export default defineController<ControllerSettings>({
  name: 'serviceaccount-token',
  serviceAccount: null,
  create({ informers, client, signal }, settings) {
    const secrets = informers.of('v1', 'Secret', { fieldSelector: `type=${TYPE}` }, BY_ACCOUNT)
    const accounts = informers.of('v1', 'ServiceAccount')

    /** Asked of the server before anything is deleted: the cache may not know an account that has just been made. */
    const accountOf = async (secret: Secret): Promise<ServiceAccount | undefined> => {
      const { namespace = '', annotations = {} } = secret.metadata
      const name = annotations[ACCOUNT_NAME] ?? ''
      const isMeant = (account: ServiceAccount | undefined) =>
        account && (!annotations[ACCOUNT_UID] || annotations[ACCOUNT_UID] === account.metadata.uid) ? account : undefined
      const known = isMeant(accounts.cache.get(accountKey(secret)))
      if (known) return known
      try {
        return isMeant(await client.get('v1', 'ServiceAccount', { namespace, name }, { signal }))
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
        return undefined
      }
    }

    const remove = async ({ metadata: { namespace = '', name = '', uid, resourceVersion } }: Secret) => {
      try {
        await client.delete('v1', 'Secret', { namespace, name }, { preconditions: { uid, resourceVersion }, signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }

    const tokenFor = async (secret: Secret, { metadata: { namespace = '', name = '' } }: ServiceAccount): Promise<string> => {
      const boundObjectRef = { apiVersion: 'v1', kind: 'Secret', name: secret.metadata.name ?? '', uid: secret.metadata.uid ?? '' }
      return (await requestToken(client, { namespace, name }, { expirationSeconds: SECONDS, boundObjectRef }, { signal })).token
    }

    return {
      watch(enqueue) {
        secrets.onChange((key, current) => {
          if (current) enqueue(key)
        })
        accounts.onChange((key, current, previous) => {
          if (current && previous) return
          for (const secret of secrets.cache.lookup('account', key)) enqueue(objectKey(secret))
        })
      },
      async reconcile(key) {
        const secret = secrets.cache.get(key)
        if (!secret || secret.metadata.deletionTimestamp !== undefined) return
        const account = await accountOf(secret)
        if (!account) return remove(secret)
        const { namespace = '', uid = '' } = account.metadata
        const { data = {} } = secret
        const authority = base64(await readFile(settings.rootCaFile))
        const isFilled = data['token'] && data['namespace'] && data['ca.crt'] === authority
        if (isFilled && secret.metadata.annotations?.[ACCOUNT_UID] === uid) return
        const filled = {
          ...data,
          ...{ 'ca.crt': authority, namespace: data['namespace'] || base64(Buffer.from(namespace)) },
          token: data['token'] || base64(Buffer.from(await tokenFor(secret, account))),
        }
        const metadata = { ...secret.metadata, annotations: { ...secret.metadata.annotations, [ACCOUNT_UID]: uid } }
        try {
          await client.update('v1', 'Secret', { ...secret, metadata, data: filled }, { signal })
        } catch (error) {
          if (!hasReason(error, 'NotFound')) throw error
        }
      },
    }
  },
})

const base64 = (bytes: Buffer) => bytes.toString('base64')
