import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { createCloudControllerManager } from './create-cloud-controller-manager.ts'

process.exit(
  await run({
    name: 'cloud-controller-manager',
    summary: 'what the cluster asks of the place it runs in: load balancers, facts about hosts, routes',
    settings,
    create: createCloudControllerManager,
  }),
)
