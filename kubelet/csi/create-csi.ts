import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../../shared/client/client.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { CSIDriver } from '../../shared/openapi/generated/storage-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import { type CsiInUseOptions, csiInUse } from '../volumes/csi-in-use.ts'
import { csiVolumes } from '../volumes/csi-volumes.ts'
import type { Mounter } from '../volumes/mounter.ts'
import type { ServiceAccountTokens } from '../volumes/service-account-token.ts'
import { CsiDrivers, csiDriver } from './csi-drivers.ts'
import { csiNodeKeeper } from './csi-node.ts'
import { driverLimits } from './driver-limits.ts'
import { followPlugins, type PluginHandler } from './plugin-registry.ts'

export interface CsiOptions {
  rootDir: string
  nodeName: string
  client: Client
  tokens: ServiceAccountTokens
  mounter: Mounter
  /** What the node's status says of volumes; absent where nobody keeps it. */
  reported?: CsiInUseOptions['reported']
  /** CSIDrivers as they are followed; absent: no limit of a driver is asked for twice. */
  settings?: ((driver: string) => CSIDriver | undefined) | undefined
  clock: Clock
  log: Logger
}

const RETRY_MILLISECONDS = 2_000

/** Everything about CSI drivers on this node: who is there, what the cluster knows of them, and their volumes. Starts nothing. */
export function createCsi({ rootDir, nodeName, client, tokens, mounter, reported, settings, clock, log }: CsiOptions) {
  const drivers = new CsiDrivers()
  const node = csiNodeKeeper(client, nodeName)
  const inUse = csiInUse({ rootDir, reported, clock })
  const limits = driverLimits({ drivers, settings: settings ?? (() => undefined), node, clock, log })
  const { exhausted } = limits
  const volumes = csiVolumes({ rootDir, nodeName, client, drivers, inUse, exhausted, tokens, mounter, clock, log })
  const folder = join(rootDir, 'plugins_registry')

  const handler: PluginHandler = {
    async register({ name, endpoint, supportedVersions }, signal) {
      if (!supportedVersions.some((version) => /^v?1\./.test(version)))
        throw new Error(`driver ${name} speaks none of the versions 1.x of CSI, only ${supportedVersions.join(', ') || 'none'}`)
      const driver = csiDriver(name, endpoint, clock)
      try {
        await node.install(name, await driver.call('NodeGetInfo', {}, { signal }), signal)
      } catch (error) {
        driver.close()
        throw error
      }
      drivers.add(driver)
    },
    async unregister(name, signal) {
      drivers.remove(name)
      await node.uninstall(name, signal)
    },
  }

  return {
    volumes,
    inUse,
    /** Follows drivers that come and go, until the signal aborts. */
    async run(signal: AbortSignal): Promise<void> {
      await mkdir(folder, { recursive: true, mode: 0o750 })
      const registry = { folder, handlers: new Map([['CSIPlugin', handler]]), clock, log }
      await Promise.all([known(signal), followPlugins(registry, signal), volumes.run(signal), limits.run(signal)])
    },
  }

  /** The CSINode is there from the start: schedulers and attachers tell a node without drivers from one that was not heard of. */
  async function known(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        return await node.ensure(signal)
      } catch (error) {
        if (signal.aborted) return
        log.debug('the CSINode is not there yet', { error })
      }
      await pause(clock, RETRY_MILLISECONDS, signal)
    }
  }
}
