import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import { settings as schedulerSettings } from '../../scheduler/config.ts'
import { createScheduler } from '../../scheduler/create-scheduler.ts'
import { readConfig } from '../../shared/process/config.ts'
import type { ProcessTools, Service } from '../../shared/process/run.ts'
import type { InProcessCluster } from '../cluster.ts'
import { laggingTransport, withFaults } from './faulty-transport.ts'

/** A component that can be killed in the middle of whatever it does, and started anew. */
export interface MortalComponent {
  /** From one request to the next nothing leaves it any more; then another life begins. */
  replace(): Promise<void>
  stop(): Promise<void>
}

/** The controller manager of a cluster that was started without one; its watches lag behind by so many milliseconds. */
export function mortalControllerManager(cluster: InProcessCluster, lag: () => number = () => 0): Promise<MortalComponent> {
  const settings = { ...cluster.controllerSettings, controllers: ['*'] }
  return mortal(cluster, 'controller-manager', lag, (tools) => createControllerManager(settings, tools))
}

/** The scheduler of a cluster that was started without one; its watches lag behind by so many milliseconds. */
export function mortalScheduler(cluster: InProcessCluster, lag: () => number = () => 0): Promise<MortalComponent> {
  const defaults = readConfig({ name: 'scheduler', summary: '' }, schedulerSettings, { args: [], env: {} })
  const config = { ...defaults, leaderElect: false, healthPort: 0 }
  return mortal(cluster, 'scheduler', lag, async (tools) => createScheduler(config, tools))
}

async function mortal(
  cluster: InProcessCluster,
  name: string,
  lag: () => number,
  create: (tools: ProcessTools) => Promise<Service>,
): Promise<MortalComponent> {
  let kill = () => {}
  let service: Service | undefined
  let starting: Promise<void> = Promise.resolve()
  const begin = async () => {
    let isDead = false
    kill = () => (isDead = true)
    const tools = withFaults(cluster.tools, laggingTransport(cluster.transportOf(name), cluster.clock, lag), () =>
      isDead ? 'lost' : undefined,
    )
    service = await create(tools)
    // The server may be away at this moment: the start waits for it.
    starting = service.start()
  }
  const end = async () => {
    kill()
    await service?.stop()
    await starting
  }
  await begin()
  return {
    async replace() {
      await end()
      await begin()
    },
    stop: end,
  }
}
