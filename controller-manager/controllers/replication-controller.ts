import type { ObjectOf } from '../../shared/client/client.ts'
import { defineController } from '../../shared/controller/define-controller.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { replicaController } from '../replicas/replica-controller.ts'

/** Keeps as many pods of a ReplicationController, the ReplicaSet's predecessor, as it asks for. */
export default defineController({
  name: 'replicationcontroller',
  serviceAccount: 'replication-controller',
  reconciles: ['v1', 'ReplicationController'],
  workers: 5,
  create: (tools) =>
    replicaController<ObjectOf<'v1', 'ReplicationController'>>(
      {
        kind: 'ReplicationController',
        countsTerminating: false,
        informer: (informers, lookups) => informers.of('v1', 'ReplicationController', {}, lookups),
        selectorOf: ({ spec }) => labelSelectorFrom({ matchLabels: spec.selector }),
        fresh: (client, name, options) => client.get('v1', 'ReplicationController', name, options),
        writeStatus: (client, owner, status, options) => client.updateStatus('v1', 'ReplicationController', { ...owner, status }, options),
      },
      tools,
    ),
})
