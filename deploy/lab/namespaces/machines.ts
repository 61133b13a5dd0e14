import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type CommandOptions, type CommandResult, lastLines, runCommand } from '../../command.ts'
import { CannotGoOn } from '../../step.ts'
import { ownHome } from '../machine/release.ts'
import { groupOf, isOn, type LabMachine, machineFolder, namespaceOf, processBegan } from './lab-state.ts'

const script = (name: string) => join(import.meta.dirname, name)

/** How long a machine may take to have a Docker Engine that answers. Milliseconds. */
const BOOT_PATIENCE = 60_000

/** Switches a machine on; resolves when its engine answers. @throws CannotGoOn with the end of what it said */
export async function boot(lab: string, name: string, address: string): Promise<LabMachine> {
  const folder = machineFolder(lab, name)
  mkdirSync(folder, { recursive: true })
  const log = openSync(join(folder, 'console.log'), 'a')
  const inside = ['--net', `/run/netns/${namespaceOf(lab, name)}`]
  // Its own session, and not of our mount namespace: it outlives this program.
  const outer = spawn('nsenter', [`${inside[0]}=${inside[1]}`, '--', script('machine.sh'), name, folder, ownHome, groupOf(lab, name)], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  outer.unref()
  const fail = (why: string) =>
    new CannotGoOn(
      `the machine ${name} ${why}\n${lastLines(readFileSync(join(folder, 'console.log'), 'utf8'), 8)}`,
      `${folder}/console.log`,
    )
  const deadline = performance.now() + BOOT_PATIENCE
  for (;;) {
    const first = outer.pid === undefined ? undefined : childOf(outer.pid)
    const machine = { name, address, first: first ?? 0, began: processBegan(first ?? 0) ?? '' }
    // The first child is the machine's first process; it answers when its engine does.
    if (first !== undefined && (await onMachine(lab, machine, ['docker', 'version', '--format', '{{.Server.Version}}'])).code === 0)
      return machine
    if (outer.exitCode !== null) throw fail('ended while it started')
    if (performance.now() > deadline) {
      kill(machine)
      throw fail(`has no Docker Engine after ${BOOT_PATIENCE / 1000} s`)
    }
    await delay(50)
  }
}

function childOf(parent: number): number | undefined {
  try {
    const child = Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')[0])
    // Before it unshares, its children are the script's helpers.
    return child > 0 && readFileSync(`/proc/${parent}/cmdline`, 'utf8').startsWith('unshare\0') ? child : undefined
  } catch {
    return undefined // it is just beginning, or has ended
  }
}

/** As when the power goes: every process of the machine ends at once. Its files and its cable stay. */
export async function powerOff(machine: LabMachine): Promise<LabMachine> {
  kill(machine)
  while (isOn(machine)) await delay(20)
  return { ...machine, first: 0, began: '' }
}

function kill(machine: LabMachine): void {
  if (isOn(machine)) process.kill(machine.first, 'SIGKILL')
}

/** Runs a program on a machine, whatever its exit code. */
export function onMachine(
  lab: string,
  { name, first }: LabMachine,
  command: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { HOME = '/root', TERM = 'dumb' } = process.env
  const env = options.env ?? { HOME, TERM, PATH: process.env['PATH'] }
  return runCommand(script('enter.sh'), [groupOf(lab, name), String(first), ...command], { ...options, env })
}

export async function removeGroups(lab: string, name: string): Promise<void> {
  await runCommand(script('groups.sh'), ['remove', groupOf(lab, name)])
}
