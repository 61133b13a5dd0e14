import { hostname } from 'node:os'
import { runAsLeader } from '../shared/controller/leader-election.ts'
import { createComponent } from '../shared/process/component.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { SchedulerConfig } from './config.ts'
import { profileOf } from './profile.ts'
import { Scheduler } from './scheduler.ts'

/** Builds the scheduler as a process of its own; nothing runs before `start`. */
export function createScheduler(config: SchedulerConfig, tools: ProcessTools): Service {
  return createComponent('default-scheduler', config, tools, (parts) => {
    const { schedulerName, writesInFlight } = config
    const scheduler = new Scheduler(parts, { schedulerName, writesInFlight, profile: profileOf(config.plugins) })
    const election = { name: 'kube-scheduler', identity: `${hostname()}_${tools.random.uuid()}` }
    return {
      run: (signal) =>
        config.leaderElect ? runAsLeader(election, parts, signal, (leading) => scheduler.run(leading)) : scheduler.run(signal),
    }
  })
}
