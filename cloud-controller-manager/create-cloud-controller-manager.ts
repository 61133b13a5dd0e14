import { hostname } from 'node:os'
import { runAsLeader } from '../shared/controller/leader-election.ts'
import { createComponent } from '../shared/process/component.ts'
import { ControllerSet, chosen } from '../shared/process/controller-set.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { CloudConfig } from './config.ts'
import { loadControllers } from './controllers/load.ts'
import type { Outside } from './provider.ts'
import { providerFactory } from './providers/providers.ts'

/** Under which name a controller's Events are seen, where upstream's is not `<name>-controller`. */
const EVENT_SOURCES: ReadonlyMap<string, string> = new Map([['route', 'route_controller']])

/**
 * Builds the cloud controller manager as a process of its own; nothing runs, and no cloud is asked, before `start`.
 * @throws ConfigError when the provider lacks a setting
 */
export async function createCloudControllerManager(
  config: CloudConfig,
  tools: ProcessTools,
  outside: Outside = { send: fetch },
): Promise<Service> {
  const [definitions, createProvider] = await Promise.all([loadControllers(), providerFactory(config.cloudProvider)])
  return createComponent('cloud-controller-manager', config, tools, (parts) => {
    const provider = createProvider(config, parts, outside)
    const all = [...definitions, ...(provider.controllers ?? [])]
    const useful = chosen(all, config.controllers).filter(({ needs }) => needs === undefined || provider[needs] !== undefined)
    const controllers = new ControllerSet(useful, parts, { config, provider }, EVENT_SOURCES)
    const election = { name: 'cloud-controller-manager', identity: `${hostname()}_${tools.random.uuid()}` }
    return {
      run: (signal) =>
        config.leaderElect ? runAsLeader(election, parts, signal, (leading) => controllers.run(leading)) : controllers.run(signal),
    }
  })
}
