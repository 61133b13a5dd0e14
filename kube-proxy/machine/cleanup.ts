import { AddressHolder } from '../announcements/address-holder.ts'
import { announcementTable } from '../announcements/announcements.ts'
import type { RunCommand } from '../command.ts'
import type { KubeProxyConfig } from '../config.ts'
import { PROTOCOL, readNetwork } from '../routes/machine-network.ts'

/**
 * Takes what the proxy put on this machine off it: its tables, the routes, the interface of the overlay, and the addresses that it announced.
 * What is not there is fine.
 */
export async function cleanUp(
  run: RunCommand,
  { table, policyTable, overlayDevice }: Pick<KubeProxyConfig, 'table' | 'policyTable' | 'overlayDevice'>,
): Promise<void> {
  const holder = new AddressHolder(run, announcementTable(table))
  await holder.begin()
  await holder.end()
  await run(['nft', '-f', '-'], [table, policyTable].map((each) => `table ip ${each}\ndelete table ip ${each}\n`).join(''))
  await run(['ip', 'route', 'flush', 'proto', PROTOCOL])
  if ((await readNetwork(run, overlayDevice)).overlay) await run(['ip', 'link', 'del', overlayDevice])
}
