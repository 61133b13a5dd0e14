import { dataplaneSuite } from '../../test/contract/dataplane.ts'
import { NftablesDataplane } from './nftables.ts'

dataplaneSuite(
  'nftables',
  (host, cluster) => new NftablesDataplane({ table: 'coxswain', ...cluster }, (args, input) => host.run(['nft', ...args], input)),
  'IPv4',
)
