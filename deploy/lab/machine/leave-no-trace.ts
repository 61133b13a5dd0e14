import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { outputOf, runCommand } from '../../command.ts'
import type { MachineRecord } from './machine-record.ts'
import { places } from './places.ts'
import type { Supervisor } from './supervisor.ts'

/** kube-proxy's and the API server's mark on routes. */
const ROUTE_PROTOCOL = '67'
const NFT_TABLES = ['coxswain', 'coxswain-policy', 'coxswain_announced'] as const
/** kube-proxy's interface towards nodes beyond the link. */
const OVERLAY_DEVICE = 'coxswain-vxlan'
/** kube-proxy's mark on addresses of load balancers. */
const ADDRESS_LABEL = 'lo:announced'

const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`
const attempt = (command: string, ...args: string[]) => runCommand(command, args, { env: { ...process.env, PATH: path } })

/**
 * Ends everything of the cluster on this machine and takes away what it made. Safe to call again: a killed removal is finished by the next.
 * Images that pods brought into the engine stay: whose they are cannot be known.
 */
export async function leaveNoTrace(machine: MachineRecord, supervisor: Supervisor): Promise<void> {
  await supervisor.remove(machine)
  if (machine.role === 'node') {
    await removeContainers(machine.nodeName)
    await removeMounts(places.data)
    removePodGroups()
    for (const table of NFT_TABLES) await attempt('nft', 'delete', 'table', 'ip', table)
    await attempt('ip', 'link', 'del', OVERLAY_DEVICE)
    await attempt('ip', '-4', 'address', 'flush', 'dev', 'lo', 'label', ADDRESS_LABEL)
    await attempt('ip', 'address', 'del', `${machine.ranges.clusterDns}/32`, 'dev', 'lo')
    await attempt(join(import.meta.dirname, 'allow-forwarding.sh'), machine.ranges.clusterCidr, 'remove')
    for (const image of machine.imagesBrought) await attempt('docker', 'image', 'rm', image)
  }
  await attempt('ip', 'route', 'flush', 'proto', ROUTE_PROTOCOL)
  if (/^[01]$/.test(machine.forwardingBefore)) await attempt('sysctl', '-qw', `net.ipv4.ip_forward=${machine.forwardingBefore}`)
  // The record goes last: until then this machine knows what it is.
  for (const folder of [places.runtime, places.data, places.logs, places.programs]) rmSync(folder, { recursive: true, force: true })
  rmSync(places.command, { force: true })
  rmSync(places.config, { recursive: true, force: true })
}

async function removeContainers(nodeName: string): Promise<void> {
  const list = await attempt('docker', 'ps', '-aq', '--no-trunc', '--filter', `label=coxswain.node=${nodeName}`)
  const ids = list.stdout.split('\n').filter((id) => id !== '')
  if (ids.length > 0) await outputOf('docker', ['rm', '--force', '--volumes', ...ids])
}

/** Deepest first: volumes lie in pods' folders. */
async function removeMounts(below: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((place) => place.startsWith(`${below}/`))
  for (const place of mounts.reverse()) await outputOf('umount', ['-l', place])
}

/** The pods' part of the control groups; empty now, and a folder with a process in it stays. */
function removePodGroups(): void {
  const root = '/sys/fs/cgroup'
  const trees = existsSync(join(root, 'cgroup.controllers')) ? [root] : readdirSync(root).map((name) => join(root, name))
  for (const tree of trees) removeEmptyFolders(join(tree, 'kubepods'))
}

function removeEmptyFolders(folder: string): void {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name))
  try {
    rmdirSync(folder)
  } catch (error) {
    // Somebody else's processes are in it.
    if (!(error instanceof Error && 'code' in error && (error.code === 'EBUSY' || error.code === 'ENOTEMPTY'))) throw error
  }
}
