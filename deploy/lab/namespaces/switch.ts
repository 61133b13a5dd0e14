import { outputOf, runCommand } from '../../command.ts'
import { CannotGoOn } from '../../step.ts'
import { hostInterface, listLabs, namespaceOf, readLab } from './lab-state.ts'

const SWITCH = 'switch'
export const ip = (...args: string[]) => outputOf('ip', args)

/** The address of the outer machine on the lab's network. */
export const hostAddress = (network: string) => `${network}.1`

/**
 * A bridge in a network namespace of its own, and a cable from it to this machine. Were it in this machine's namespace, the engine here would
 * drop what passes over it.
 */
export async function makeSwitch(lab: string, network: string): Promise<void> {
  const space = namespaceOf(lab, SWITCH)
  const outer = hostInterface(lab)
  await ip('netns', 'add', space)
  await ip('-n', space, 'link', 'add', 'name', 'bridge', 'type', 'bridge')
  await ip('-n', space, 'link', 'set', 'bridge', 'up')
  // Where br_netfilter is loaded it is on for every namespace.
  await runCommand('ip', ['netns', 'exec', space, 'sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0'])
  await ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'outer', 'netns', space)
  await ip('-n', space, 'link', 'set', 'outer', 'master', 'bridge', 'up')
  await ip('addr', 'add', `${hostAddress(network)}/24`, 'dev', outer)
  await ip('link', 'set', outer, 'up')
}

/** Plugs a machine in. Its namespace outlives its processes, as a machine's cable does. */
export async function plugIn(lab: string, machine: string, address: string): Promise<void> {
  const space = namespaceOf(lab, machine)
  await ip('netns', 'add', space)
  await ip('link', 'add', 'name', 'eth0', 'netns', space, 'type', 'veth', 'peer', 'name', machine, 'netns', namespaceOf(lab, SWITCH))
  await ip('-n', namespaceOf(lab, SWITCH), 'link', 'set', machine, 'master', 'bridge', 'up')
  await ip('-n', space, 'link', 'set', 'lo', 'up')
  await ip('-n', space, 'link', 'set', 'eth0', 'up')
  await ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
}

/** Runs a program in the switch. */
export function inSwitch(lab: string, command: readonly string[], input?: string): Promise<string> {
  const args = ['netns', 'exec', namespaceOf(lab, SWITCH), ...command]
  return outputOf('ip', args, input === undefined ? {} : { input })
}

/** Removes every namespace and the cable of a lab, whatever of them there is. */
export async function removeNetwork(lab: string, machines: readonly string[]): Promise<void> {
  const { stdout } = await runCommand('ip', ['netns', 'list'])
  const present = new Set(stdout.split('\n').map((line) => line.split(' ')[0] ?? ''))
  for (const machine of [...machines, SWITCH]) {
    const space = namespaceOf(lab, machine)
    if (present.has(space)) await ip('netns', 'del', space)
  }
  // It goes with its other end, but a namespace that a process still holds lives on for a moment.
  await runCommand('ip', ['link', 'del', hostInterface(lab)])
}

/** A /24 that no route of this machine and no other lab has: `10.231.<n>` counted from a number that follows from the name. @throws CannotGoOn */
export async function freeNetwork(lab: string): Promise<string> {
  const routes = `${(await runCommand('ip', ['-4', 'route', 'show', 'table', 'all'])).stdout}`
  const taken = new Set(listLabs().map((name) => readLab(name)?.network))
  const first = [...lab].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 256, 7)
  for (let step = 0; step < 256; step++) {
    const network = `10.231.${(first + step) % 256}`
    if (!taken.has(network) && !routes.includes(`${network}.`)) return network
  }
  throw new CannotGoOn('every network 10.231.0.0/24 to 10.231.255.0/24 is taken on this machine', 'make lab DOWN=1 NAME=… removes a lab')
}
