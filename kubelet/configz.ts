import { showDuration } from '../shared/process/setting.ts'
import { type KubeletConfig, settings } from './config.ts'
import { PLAIN } from './config-file.ts'
import { taintsOf } from './node/node-settings.ts'

/**
 * The settings in force, as a file of kind KubeletConfiguration would hold them: what upstream's `/configz` answers. Headers of the manifests'
 * URL may be credentials and are left out.
 */
export function kubeletConfigurationOf(config: KubeletConfig): Record<string, unknown> {
  const plain = Object.entries(PLAIN).flatMap(([field, setting]) => {
    const value = config[setting]
    if (value === undefined || value === '') return []
    return [[field, settings[setting].placeholder === 'DURATION' ? showDuration(Number(value)) : value]]
  })
  return {
    ...Object.fromEntries(plain),
    ...{ evictionHard: amounts(config.evictionHard, '<'), evictionSoft: amounts(config.evictionSoft, '<') },
    evictionSoftGracePeriod: amounts(config.evictionSoftGracePeriod, '='),
    evictionMinimumReclaim: amounts(config.evictionMinimumReclaim, '='),
    systemReserved: amounts(config.systemReserved, '='),
    kubeReserved: amounts(config.kubeReserved, '='),
    shutdownGracePeriodByPodPriority: config.shutdownGracePeriodByPodPriority.map((text) => {
      const [priority, seconds] = text.split('=')
      return { priority: Number(priority), shutdownGracePeriodSeconds: Number(seconds) }
    }),
    registerWithTaints: taintsOf(config.registerWithTaints),
  }
}

function amounts(texts: readonly string[], sign: '<' | '='): Record<string, string> {
  return Object.fromEntries(texts.map((text) => [text.slice(0, text.indexOf(sign)).trim(), text.slice(text.indexOf(sign) + 1).trim()]))
}
