import { readFileSync } from 'node:fs'
import { outputOf, runCommand } from '../../command.ts'
import { CannotGoOn } from '../../step.ts'
import type { LabContext } from '../lab-command.ts'
import { ensurePackages } from './engine.ts'
import { type MachineRecord, type MachineRole, readMachine } from './machine-record.ts'
import { type MachineProcess, processesOf } from './processes.ts'
import { supervisorHere } from './supervisor.ts'

const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`

/** Debian's packages behind each role. */
const packages: Readonly<Record<MachineRole, readonly string[]>> = {
  server: ['iproute2'],
  node: ['nftables', 'iproute2', 'iputils-arping', 'containernetworking-plugins', 'iptables', 'conntrack'],
}

/** Refuses a machine that is taken already, and installs the programs that the role needs. @throws CannotGoOn */
export async function prepareMachine(role: MachineRole, { steps, print }: LabContext): Promise<void> {
  const present = readMachine()
  if (present) {
    throw new CannotGoOn(
      `this machine is already ${present.role === 'server' ? 'the server of a cluster' : `a node of the cluster at ${present.server}`}`,
      'coxswain-lab upgrade brings another release, coxswain-lab uninstall ends it here',
    )
  }
  await steps.run('programs', () => ensurePackages([...packages[role], ...(supervisorHere().name === 's6' ? ['s6'] : [])], print))
}

/** `net.ipv4.ip_forward` as it is. */
export function forwardingNow(): string {
  return readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim()
}

/** The address of the interface that leads out, else of the first that is not loopback. @throws CannotGoOn */
export async function ownAddress(): Promise<string> {
  const env = { ...process.env, PATH: path }
  const route = await runCommand('ip', ['-4', 'route', 'get', '192.0.2.1'], { env })
  const address =
    /\bsrc (\S+)/.exec(route.stdout)?.[1] ??
    /^\d+: (?!docker|lo\b)\S+\s+inet ([\d.]+)/m.exec(await outputOf('ip', ['-4', '-o', 'addr', 'show', 'scope', 'global'], { env }))?.[1]
  if (address === undefined) throw new CannotGoOn('this machine has no address but loopback', 'connect it to a network, or say --address')
  return address
}

/** How long a process may take until it is healthy. Milliseconds. */
const PATIENCE = 90_000

/** Waits until each process of the machine says that it is healthy. @throws CannotGoOn with the end of its log */
export async function awaitHealthy(machine: MachineRecord, { clock }: LabContext, only: (process: MachineProcess) => boolean = () => true) {
  const supervisor = supervisorHere()
  await Promise.all(
    processesOf(machine)
      .filter((process) => process.healthPort !== undefined && only(process))
      .map(async ({ name, healthPort }) => {
        const deadline = clock.monotonic() + PATIENCE
        while (!(await isHealthy(healthPort ?? 0))) {
          if (clock.monotonic() > deadline) {
            const end = await supervisor.lastLines(name, 8)
            throw new CannotGoOn(
              `${name} is not healthy after ${PATIENCE / 1000} s\n${end}`,
              `${supervisor.logOf(name)} shows all of its log`,
            )
          }
          await clock.sleep(100)
        }
      }),
  )
}

/** Asked again and again because it has no other way to say so. */
export async function isHealthy(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    return false // it does not listen yet
  }
}
