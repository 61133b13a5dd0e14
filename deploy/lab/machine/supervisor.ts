import { existsSync } from 'node:fs'
import type { MachineRecord } from './machine-record.ts'
import { s6Supervisor } from './s6-supervisor.ts'
import { systemdSupervisor } from './systemd-supervisor.ts'

/** What keeps the processes of a machine running: systemd where it is the machine's first process, s6 everywhere else. */
export interface Supervisor {
  readonly name: 'systemd' | 's6'
  /** Writes what is needed to run the machine's processes, over what an earlier release wrote; starts nothing. */
  install(machine: MachineRecord): Promise<void>
  /** Starts all of them, and again with each boot where the machine has one. Safe to call when they run. */
  start(machine: MachineRecord): Promise<void>
  restart(name: string): Promise<void>
  /** Ends all of them; pods' containers run on. */
  stop(machine: MachineRecord): Promise<void>
  /** Takes away what `install` wrote. */
  remove(machine: MachineRecord): Promise<void>
  isRunning(name: string): Promise<boolean>
  /** The command that shows a process's log. */
  logOf(name: string): string
  lastLines(name: string, count: number): Promise<string>
}

export function supervisorHere(): Supervisor {
  return existsSync('/run/systemd/system') ? systemdSupervisor : s6Supervisor
}
