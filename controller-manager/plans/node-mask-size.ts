import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { ConfigError } from '../../shared/process/config.ts'
import type { ControllerSettings } from '../config.ts'

type Sizes = Pick<ControllerSettings, 'clusterCidr' | 'nodeCidrMaskSize' | 'nodeCidrMaskSizeIpv4' | 'nodeCidrMaskSizeIpv6'>

/** Prefix length of a node's range of the family. @throws ConfigError where the flag for one family meets two, as upstream */
export function maskSize(settings: Sizes, family: IpFamily): number {
  const { clusterCidr, nodeCidrMaskSize } = settings
  if (nodeCidrMaskSize === 0) return family === 'IPv4' ? settings.nodeCidrMaskSizeIpv4 : settings.nodeCidrMaskSizeIpv6
  if (clusterCidr.length === 1) return nodeCidrMaskSize
  throw new ConfigError(
    '--node-cidr-mask-size is for one family: with two ranges use --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6',
  )
}
