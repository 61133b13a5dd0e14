import { fixedConnection } from '../shared/client/connection.ts'
import { createHttpsTransport } from '../shared/client/https-transport.ts'
import { createComponent } from '../shared/process/component.ts'
import { electionOf } from '../shared/process/leader-election-settings.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { SchedulerConfig } from './config.ts'
import { Extender } from './extenders/extender.ts'
import { type Policy, policyOf } from './policy/read-policy.ts'
import { Scheduler } from './scheduler.ts'

/** Builds the scheduler as a process of its own; nothing runs before `start`. */
export function createScheduler(config: SchedulerConfig, tools: ProcessTools, policy: Policy = policyOf(config)): Service {
  const election = electionOf(config, tools.random)
  return createComponent('default-scheduler', config, tools, (parts) => {
    const extenders = policy.extenders.map((extender) => {
      const transport = createHttpsTransport(fixedConnection(extender.connection), {
        clock: tools.clock,
        silenceMilliseconds: extender.timeoutMilliseconds,
      })
      return new Extender(extender, { transport, clock: tools.clock })
    })
    const scheduler = new Scheduler(parts, { policy, extenders, writesInFlight: config.writesInFlight })
    return { run: (signal) => parts.lead(election, signal, (leading) => scheduler.run(leading)) }
  })
}
