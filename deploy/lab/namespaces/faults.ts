import { runCommand } from '../../command.ts'
import { type LabMachine, type LabState, namespaceOf, writeLab } from './lab-state.ts'
import { boot, powerOff } from './machines.ts'
import { inSwitch, ip, plugIn } from './switch.ts'

/** What the switch does to packets. The outer machine's cable is never touched. */
export interface Disturbance {
  /** Machines of different groups do not hear each other; one that is in no group hears all. */
  readonly groups?: readonly (readonly string[])[]
  /** Machine → percent of its packets that are lost, each way. */
  readonly loss?: Readonly<Record<string, number>>
}

/** Pure: the switch's rules, as `nft` reads them. They replace what was there in one step. */
export function disturbanceRules({ groups = [], loss = {} }: Disturbance): string {
  const between = groups.flatMap((group, index) =>
    groups.flatMap((other, at) => (at === index ? [] : [`iifname { ${quoted(group)} } oifname { ${quoted(other)} } drop`])),
  )
  const lost = Object.entries(loss).flatMap(([machine, percent]) =>
    ['iifname', 'oifname'].map(
      (side) => `${side} "${machine}" ${percent < 100 ? `numgen random mod 1000 < ${Math.round(percent * 10)} ` : ''}drop`,
    ),
  )
  const rules = [...between.filter((rule) => !rule.includes('{  }')), ...lost].map((rule) => `    ${rule}\n`).join('')
  const chain = `  chain forward {\n    type filter hook forward priority 0;\n${rules}  }\n`
  return `table bridge faults {}\ndelete table bridge faults\ntable bridge faults {\n${chain}}\n`
}

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ')

/** Disturbs the network of a lab until another call; `{}` heals it. */
export async function disturb(lab: string, disturbance: Disturbance): Promise<void> {
  await inSwitch(lab, ['nft', '-f', '-'], disturbanceRules(disturbance))
}

/** Delays what comes to a machine. False where this kernel has no netem; 0 ends it. */
export async function delayPackets(lab: string, machine: string, milliseconds: number): Promise<boolean> {
  const space = namespaceOf(lab, 'switch')
  if (milliseconds === 0) {
    await runCommand('tc', ['-n', space, 'qdisc', 'del', 'dev', machine, 'root'])
    return true
  }
  const result = await runCommand('tc', ['-n', space, 'qdisc', 'replace', 'dev', machine, 'root', 'netem', 'delay', `${milliseconds}ms`])
  if (result.code === 0) return true
  if (/unknown/i.test(result.stderr)) return false
  throw new Error(`tc: ${result.stderr}`)
}

/** Gives a running machine another address, as a DHCP server would. */
export async function moveMachine(state: LabState, machine: LabMachine, address: string): Promise<LabState> {
  const space = namespaceOf(state.name, machine.name)
  // In this order: a second address would be the first one's, and go with it.
  await ip('-n', space, 'addr', 'del', `${machine.address}/24`, 'dev', 'eth0')
  await ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
  return changed(state, { ...machine, address })
}

/** The power fails. Links, rules and routes go with the namespace, as they do with a kernel. */
export async function switchOff(state: LabState, machine: LabMachine): Promise<LabState> {
  const off = await powerOff(machine)
  // The cable first: its namespace goes some time later.
  await ip('-n', namespaceOf(state.name, 'switch'), 'link', 'del', machine.name)
  await ip('netns', 'del', namespaceOf(state.name, machine.name))
  return changed(state, off)
}

/** The power is back: the engine starts, as with every boot; the rest is `coxswain-lab start`, for there is no systemd. */
export async function switchOn(state: LabState, machine: LabMachine): Promise<LabState> {
  await plugIn(state.name, machine.name, machine.address)
  return changed(state, await boot(state.name, machine.name, machine.address))
}

function changed(state: LabState, machine: LabMachine): LabState {
  const next = { ...state, machines: state.machines.map((one) => (one.name === machine.name ? machine : one)) }
  writeLab(next)
  return next
}
