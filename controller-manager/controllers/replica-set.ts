import type { ObjectOf } from '../../shared/client/client.ts'
import { defineController } from '../../shared/controller/define-controller.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { replicaController } from '../replicas/replica-controller.ts'

/** Keeps as many pods of a ReplicaSet as it asks for. */
export default defineController({
  name: 'replicaset',
  reconciles: ['apps/v1', 'ReplicaSet'],
  workers: 5,
  create: (tools) =>
    replicaController<ObjectOf<'apps/v1', 'ReplicaSet'>>(
      {
        kind: 'ReplicaSet',
        countsTerminating: true,
        informer: (informers, lookups) => informers.of('apps/v1', 'ReplicaSet', {}, lookups),
        selectorOf: ({ spec }) => labelSelectorFrom(spec.selector),
        fresh: (client, name, options) => client.get('apps/v1', 'ReplicaSet', name, options),
        writeStatus: (client, set, status, options) => client.updateStatus('apps/v1', 'ReplicaSet', { ...set, status }, options),
      },
      tools,
    ),
})
