import { hostname } from 'node:os'
import { runAsLeader } from '../shared/controller/leader-election.ts'
import { createComponent } from '../shared/process/component.ts'
import { ControllerSet, chosen } from '../shared/process/controller-set.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { ControllerSettings } from './config.ts'
import { loadControllers } from './controllers/load.ts'
import { eventSources } from './event-sources.ts'

/** Builds the controller manager as a process of its own; nothing runs before `start`. */
export async function createControllerManager(settings: ControllerSettings, tools: ProcessTools): Promise<Service> {
  const definitions = chosen(await loadControllers(), settings.controllers)
  return createComponent('controller-manager', settings, tools, (parts) => {
    const controllers = new ControllerSet(definitions, parts, settings, eventSources)
    const election = { name: 'kube-controller-manager', identity: `${hostname()}_${tools.random.uuid()}` }
    return {
      run: (signal) =>
        settings.leaderElect ? runAsLeader(election, parts, signal, (leading) => controllers.run(leading)) : controllers.run(signal),
    }
  })
}
