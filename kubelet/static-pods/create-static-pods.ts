import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { KubeletConfig } from '../config.ts'
import { headersOf } from '../node/node-settings.ts'
import { manifestFolder } from './manifest-folder.ts'
import { manifestUrl } from './manifest-url.ts'
import { type StaticPods, staticPods } from './static-pods.ts'

type Settings = Pick<
  KubeletConfig,
  'nodeName' | 'podManifestPath' | 'fileCheckFrequency' | 'manifestUrl' | 'manifestUrlHeader' | 'httpCheckFrequency'
>

/** The static pods that the settings name. @throws ConfigError */
export function createStaticPods(config: Settings, { clock, log }: { clock: Clock; log: Logger }): StaticPods {
  const tools = { nodeName: config.nodeName, clock, log }
  const headers = headersOf('manifest-url-header', config.manifestUrlHeader)
  const folder = config.podManifestPath && manifestFolder(config.podManifestPath, { ...tools, every: config.fileCheckFrequency })
  const url = config.manifestUrl && manifestUrl(config.manifestUrl, headers, { ...tools, every: config.httpCheckFrequency })
  return staticPods([...(folder ? [folder] : []), ...(url ? [url] : [])], log)
}
