import { chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type CommandResult, lastLines, runCommand } from '../../command.ts'
import { CannotGoOn } from '../../step.ts'
import type { LabContext } from '../lab-command.ts'
import { ownHome } from '../machine/release.ts'
import { checkLabName, isOn, type LabMachine, type LabState, labFolder, processBegan, readLab, writeLab } from './lab-state.ts'
import { boot, onMachine, powerOff, removeGroups } from './machines.ts'
import { freeNetwork, makeSwitch, plugIn, removeNetwork } from './switch.ts'

export const SERVER = 'server'
const program = join(ownHome, 'deploy/lab/coxswain-lab.sh')

/** Where the administrator's kubeconfig of a lab is written, for the person who started it. */
export const labKubeconfig = (lab: string) => join(ownHome, '.cluster', `lab-${lab}`, 'kubeconfig')

/** Addresses of a lab's network for load balancers; machines are counted from .10 on and never get there. */
export const labPool = (network: string) => `${network}.240/28`

/** What a lab is started with. */
export interface LabWish {
  readonly name: string
  readonly nodes: number
  /** Machines that are switched on and join nothing. */
  readonly spares?: number
  /** Of this machine's Docker, for the machines' engines. */
  readonly images: readonly string[]
  /** More settings of a process, by its name: `COXSWAIN_X_Y=…` lines. */
  readonly settings?: Readonly<Record<string, readonly string[]>>
}

/** Switches the machines on, makes one the server and has the others join; what a broken-off start left is removed first. @throws CannotGoOn */
export async function labUp({ name, nodes, spares = 0, images, settings = {} }: LabWish, context: LabContext): Promise<LabState> {
  checkLabName(name)
  const { steps } = context
  const present = readLab(name)
  if (present?.machines.length === nodes + spares + 1 && present.machines.every(isOn)) return present
  await labDown(name)
  const network = await freeNetwork(name)
  mkdirSync(labFolder(name), { recursive: true })
  let state: LabState = { name, network, machines: [] }
  writeLab(state)
  const names = [SERVER, ...Array.from({ length: nodes + spares }, (_, index) => `n${index + 1}`)]
  await steps.run('machines', async (note) => {
    await makeSwitch(name, network)
    const addresses = names.map((_, index) => `${network}.${10 + index}`)
    for (const [index, machine] of names.entries()) await plugIn(name, machine, addresses[index] ?? '')
    const machines = await Promise.all(names.map((machine, index) => boot(name, machine, addresses[index] ?? '')))
    state = { ...state, machines }
    writeLab(state)
    for (const machine of machines.slice(0, nodes + 1))
      for (const [process, lines] of Object.entries(settings)) await writeSettings(name, machine, process, lines)
    note(`${names.length} on ${network}.0/24`)
  })
  const server = machineOf(state, SERVER)
  await steps.run('server', () => labCommand(name, server, ['server', '--in-place', `--load-balancer-pool=${labPool(network)}`]))
  writeKubeconfig(name, (await labRun(name, server, ['cat', '/etc/coxswain/admin.kubeconfig'])).stdout)
  const command = (await labCommand(name, server, ['token', 'create', '--description=make lab'])).trim().split(' ').slice(1)
  await steps.run('nodes join', async (note) => {
    const workers = state.machines.slice(1, nodes + 1)
    await Promise.all(
      workers.map(async (worker) => {
        await loadImages(name, worker, images)
        await labCommand(name, worker, [...command, '--in-place'])
      }),
    )
    note(workers.map((worker) => worker.name).join(' '))
  })
  return state
}

/** Removes a lab, also one whose start was broken off or whose file is gone: everything it made bears its name. */
export async function labDown(name: string): Promise<void> {
  checkLabName(name)
  const state = readLab(name)
  const known = state?.machines.map((machine) => machine.name) ?? []
  // A start that was killed has not written its machines down yet.
  const { stdout } = await runCommand('ip', ['netns', 'list'])
  const prefix = `cxl-${name}-`
  const spaces = stdout.split('\n').flatMap((line) => {
    const space = line.split(' ')[0] ?? ''
    const machine = space.startsWith(prefix) ? space.slice(prefix.length) : ''
    return /^(server|n\d+)$/.test(machine) ? [machine] : []
  })
  const machines = [...new Set([...known, ...spaces])]
  for (const machine of state?.machines ?? []) await powerOff(machine)
  for (const machine of spaces) await endProcessesOf(`${prefix}${machine}`)
  await removeNetwork(name, machines)
  for (const machine of machines) await removeGroups(name, machine)
  rmSync(labFolder(name), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  rmSync(dirname(labKubeconfig(name)), { recursive: true, force: true })
}

/** The first process of a machine ends all of it; before there is one, whatever runs in its network. */
async function endProcessesOf(space: string): Promise<void> {
  const { stdout } = await runCommand('ip', ['netns', 'pids', space])
  const processes = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
  for (const one of processes.sort((a, b) => a - b)) if (processBegan(one) !== undefined) process.kill(one, 'SIGKILL')
}

export function machineOf(state: LabState, name: string): LabMachine {
  const machine = state.machines.find((one) => one.name === name)
  if (!machine)
    throw new CannotGoOn(`the lab ${state.name} has no machine ${name}`, `it has ${state.machines.map((one) => one.name).join(', ')}`)
  return machine
}

/** Runs a program on a machine and gives its result. @throws CannotGoOn when it ends badly */
export async function labRun(lab: string, machine: LabMachine, command: readonly string[]): Promise<CommandResult> {
  const result = await onMachine(lab, machine, command)
  if (result.code === 0) return result
  const said = lastLines(`${result.stdout}\n${result.stderr}`, 20)
  throw new CannotGoOn(`${machine.name}: ${command.slice(0, 3).join(' ')} ended with ${result.code}:\n${said}`, 'see above')
}

/** `coxswain-lab` on a machine: what it printed. @throws CannotGoOn */
export async function labCommand(lab: string, machine: LabMachine, args: readonly string[]): Promise<string> {
  return (await labRun(lab, machine, [program, ...args])).stdout
}

export async function loadImages(lab: string, machine: LabMachine, images: readonly string[]): Promise<void> {
  if (images.length === 0) return
  const enter = join(import.meta.dirname, 'enter.sh')
  const pipe = `docker save "$@" | "${enter}" "coxswain-lab-${lab}-${machine.name}" ${machine.first} docker load --quiet`
  const loaded = await runCommand('bash', ['-o', 'pipefail', '-c', pipe, 'sh', ...images])
  if (loaded.code !== 0) throw new CannotGoOn(`images cannot be brought to ${machine.name}: ${lastLines(loaded.stderr, 3)}`, 'make images')
}

async function writeSettings(lab: string, machine: LabMachine, process: string, lines: readonly string[]): Promise<void> {
  const write = 'mkdir -p -m 700 /etc/coxswain; cat > "/etc/coxswain/$1.env"'
  const result = await onMachine(lab, machine, ['sh', '-c', write, 'sh', process], { input: `${lines.join('\n')}\n` })
  if (result.code !== 0) throw new CannotGoOn(`${machine.name}: settings cannot be written: ${result.stderr}`, 'see above')
}

/** The person behind sudo owns what is theirs. */
function writeKubeconfig(lab: string, text: string): void {
  const file = labKubeconfig(lab)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text, { mode: 0o600 })
  const { uid, gid } = statSync(ownHome)
  for (const path of [dirname(dirname(file)), dirname(file), file]) chownSync(path, uid, gid)
}
