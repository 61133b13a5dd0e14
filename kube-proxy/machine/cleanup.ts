import { packetWords } from '../../shared/addresses/packet-words.ts'
import { AddressHolder } from '../announcements/address-holder.ts'
import { announcementTable } from '../announcements/announcements.ts'
import type { RunCommand } from '../command.ts'
import type { KubeProxyConfig } from '../config.ts'
import { removal } from '../dataplane/ruleset.ts'
import { overlayDeviceOf, PROTOCOL, readNetwork } from '../routes/machine-network.ts'

/**
 * Takes what the proxy put on this machine off it: its tables, the routes, the interfaces of the overlay, and the addresses that it announced.
 * What is not there is fine.
 */
export async function cleanUp(
  run: RunCommand,
  { table, policyTable, overlayDevice }: Pick<KubeProxyConfig, 'table' | 'policyTable' | 'overlayDevice'>,
): Promise<void> {
  const holder = new AddressHolder(run, announcementTable(table))
  await holder.begin()
  await holder.end()
  // Of both families, whatever the cluster has now; a kernel without IPv6 has no such table, and takes no word about one.
  const families = ['IPv4', 'IPv6'] as const
  const all = families.flatMap((family) => [table, policyTable].map((each) => ({ family, table: each })))
  const present = await run(['nft', 'list', 'tables'])
  const ours = all.filter(({ family, table: each }) => present.split('\n').includes(`table ${packetWords(family).header} ${each}`))
  if (ours.length > 0) await run(['nft', '-f', '-'], ours.map(removal).join(''))
  await run(['ip', '-4', 'route', 'flush', 'proto', PROTOCOL])
  await run(['ip', '-6', 'route', 'flush', 'proto', PROTOCOL])
  for (const device of families.map((family) => overlayDeviceOf(overlayDevice, family))) {
    if ((await readNetwork(run, device)).overlay) await run(['ip', 'link', 'del', device])
  }
}
