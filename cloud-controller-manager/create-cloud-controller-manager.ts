import type { WriteFence } from '../shared/client/write-fence.ts'
import { createComponent } from '../shared/process/component.ts'
import { ControllerSet, chosen } from '../shared/process/controller-set.ts'
import { electionOf } from '../shared/process/leader-election-settings.ts'
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
  const election = electionOf(config, tools.random)
  return createComponent('cloud-controller-manager', config, tools, (parts) => {
    const provider = createProvider(config, parts, { send: fenced(outside.send, parts.leadership) })
    const all = [...definitions, ...(provider.controllers ?? [])]
    const useful = chosen(all, config.controllers).filter(({ needs }) => needs === undefined || provider[needs] !== undefined)
    const controllers = new ControllerSet(useful, parts, { config, provider }, EVENT_SOURCES)
    return { run: (signal) => parts.lead(election, signal, (leading) => controllers.run(leading)) }
  })
}

/** What changes the cloud is refused as what changes the cluster is, when this copy does not lead any more. */
function fenced(send: Outside['send'], fence: WriteFence): Outside['send'] {
  return async (url, init) => {
    const objection = (init.method ?? 'GET') === 'GET' ? undefined : fence.objection()
    if (objection) throw objection
    return send(url, init)
  }
}
