import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readFileIfPresent, writeFileAtomically } from '../../../shared/certificates/atomic-file.ts'
import { CannotGoOn } from '../../step.ts'

/** Where labs of this machine keep their files. */
export const LABS = '/var/lib/coxswain-lab'

/** A machine in namespaces. */
export interface LabMachine {
  readonly name: string
  /** On the lab's network; it may be changed. */
  readonly address: string
  /** Its first process, as this machine numbers it; 0: it is off. */
  readonly first: number
  /** When that process began (clock ticks since boot): its number may be another's by now. */
  readonly began: string
}

/** What a lab is made of; enough to remove it by name when everything else is gone. */
export interface LabState {
  readonly name: string
  /** The first three numbers of its /24. */
  readonly network: string
  readonly machines: readonly LabMachine[]
}

export const labFolder = (lab: string) => join(LABS, lab)
export const machineFolder = (lab: string, machine: string) => join(LABS, lab, machine)
/** Names of network namespaces and control groups, which this machine shares with everybody. */
export const namespaceOf = (lab: string, machine: string) => `cxl-${lab}-${machine}`
export const groupOf = (lab: string, machine: string) => `coxswain-lab-${lab}-${machine}`
/** Interfaces may have 15 characters. */
export const hostInterface = (lab: string) => `cxl${createHash('sha256').update(lab).digest('hex').slice(0, 8)}`

/** @throws CannotGoOn */
export function checkLabName(name: string): void {
  if (/^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$/.test(name)) return
  throw new CannotGoOn(
    `${JSON.stringify(name)} cannot be the name of a lab`,
    "small letters, digits and '-', 30 at most: make lab NAME=my-lab",
  )
}

export function readLab(name: string): LabState | undefined {
  const text = readFileIfPresent(join(labFolder(name), 'lab.json'))
  return text === undefined ? undefined : (JSON.parse(text) as LabState) // our own file, written whole
}

export function writeLab(state: LabState): void {
  writeFileAtomically(join(labFolder(state.name), 'lab.json'), `${JSON.stringify(state, undefined, 2)}\n`)
}

/** Names of all labs here. */
export function listLabs(): string[] {
  try {
    return readdirSync(LABS)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** Field 22 of /proc/<pid>/stat; undefined when there is no such process. */
export function processBegan(process: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${process}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined // it has ended
  }
}

export function isOn({ first, began }: LabMachine): boolean {
  return first > 0 && processBegan(first) === began
}
