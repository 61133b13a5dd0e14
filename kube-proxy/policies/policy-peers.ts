import type { Client } from '../../shared/client/client.ts'
import type { Informer, Informers, InformerTools } from '../../shared/informer/informer.ts'
import { createInformer } from '../../shared/informer/shared-informers.ts'
import type { Namespace } from '../../shared/openapi/generated/core-v1.ts'
import { type PolicyPod, policyPod } from './policy-pod.ts'

/** All pods, of which each is made small before it is kept, and all namespaces; resolves when both are there. */
export async function followPeers(
  tools: InformerTools & { informers: Informers },
  signal: AbortSignal,
): Promise<{ pods: Informer<PolicyPod>; namespaces: Informer<Namespace> }> {
  const namespaces = tools.informers.of('v1', 'Namespace')
  const pods = createInformer('v1/Pod of policies', smallPods(tools.client), tools)
  pods.start(signal)
  await Promise.all([pods.whenSynced(signal), namespaces.whenSynced(signal)])
  return { pods, namespaces }
}

function smallPods(client: Client): Parameters<typeof createInformer<PolicyPod>>[1] {
  return {
    async list(options) {
      const { metadata, items } = await client.list('v1', 'Pod', options)
      return { metadata, items: items.map(policyPod) }
    },
    async *watch(options) {
      for await (const { type, object } of client.watch('v1', 'Pod', options)) {
        // A bookmark is no pod: it has neither spec nor status.
        yield { type, object: type === 'BOOKMARK' ? { ...object, ...NOBODY } : policyPod(object) }
      }
    },
  }
}

const NOBODY = { node: '', addresses: {}, isConnected: false, ports: [] }
