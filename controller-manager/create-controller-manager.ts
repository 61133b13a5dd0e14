import { createComponent } from '../shared/process/component.ts'
import { ControllerSet, chosen } from '../shared/process/controller-set.ts'
import { electionOf } from '../shared/process/leader-election-settings.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { ControllerSettings } from './config.ts'
import { loadControllers } from './controllers/load.ts'
import { eventSources } from './event-sources.ts'

/** Builds the controller manager as a process of its own; nothing runs before `start`. */
export async function createControllerManager(settings: ControllerSettings, tools: ProcessTools): Promise<Service> {
  const definitions = chosen(await loadControllers(), settings.controllers)
  const election = electionOf(settings, tools.random)
  return createComponent('controller-manager', settings, tools, (parts) => {
    const controllers = new ControllerSet(definitions, parts, settings, eventSources)
    return { run: (signal) => parts.lead(election, signal, (leading) => controllers.run(leading)) }
  })
}
