import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { writeFileAtomically } from '../../../shared/certificates/atomic-file.ts'
import { outputOf, runCommand } from '../../command.ts'
import { CannotGoOn } from '../../step.ts'
import { places } from './places.ts'
import { processesOf } from './processes.ts'
import { s6Service } from './s6-service.ts'
import type { Supervisor } from './supervisor.ts'

/** What `install` writes; `start` runs a copy of it, because s6 keeps state beside. */
const written = join(places.data, 's6')
const running = join(places.runtime, 's6')
const stoppingMark = join(places.runtime, 'stopping')

/** s6 as in the worker image, started by us and not with the machine: after a reboot `coxswain-lab start`. */
export const s6Supervisor: Supervisor = {
  name: 's6',
  async install(machine) {
    rmSync(written, { recursive: true, force: true })
    for (const process of processesOf(machine)) {
      for (const { path, content } of s6Service(process, machine)) writeFileAtomically(join(written, path), content, { mode: 0o755 })
    }
    if (await isScanning()) takeOver(machine.role)
  },
  async start(machine) {
    rmSync(stoppingMark, { force: true })
    if (await isScanning()) return
    rmSync(running, { recursive: true, force: true })
    mkdirSync(places.logs, { recursive: true })
    takeOver(machine.role)
    // In a session of its own: it must not end with the terminal.
    const scanner = spawn('s6-svscan', [running], { detached: true, stdio: 'ignore' })
    const failed = once(scanner, 'error')
    scanner.unref()
    for (let tries = 0; tries < 100; tries++) {
      if (await isScanning()) return
      await Promise.race([delay(50), failed])
    }
    throw new CannotGoOn('s6-svscan does not come up', 'deploy/packages.sh s6 installs it; then coxswain-lab start')
  },
  async restart(name) {
    await outputOf('s6-svc', ['-r', join(running, name)])
  },
  async stop(machine) {
    if (!(await isScanning())) return
    writeFileAtomically(stoppingMark, '')
    for (const { name } of processesOf(machine)) await runCommand('s6-svc', ['-wD', '-T', '15000', '-d', join(running, name)])
    await runCommand('s6-svscanctl', ['-t', running])
    for (let tries = 0; tries < 200 && (await isScanning()); tries++) await delay(50)
    if (await isScanning()) throw new CannotGoOn('the supervisor does not end', `s6-svscanctl -b ${running}, then the same command again`)
  },
  async remove(machine) {
    await s6Supervisor.stop(machine)
    for (const folder of [written, running, places.logs]) rmSync(folder, { recursive: true, force: true })
  },
  async isRunning(name) {
    const { stdout } = await runCommand('s6-svstat', ['-o', 'up', join(running, name)])
    return stdout.trim() === 'true'
  },
  logOf: (name) => `tail -f ${places.logs}/${name}/current`,
  lastLines: async (name, count) => (await runCommand('tail', ['-n', String(count), `${places.logs}/${name}/current`])).stdout.trimEnd(),
}

/** Brings the scripts as they are now to where the supervisor looks; running processes notice with their next start. */
function takeOver(role: 'server' | 'node'): void {
  for (const { name } of processesOf({ role })) cpSync(join(written, name), join(running, name), { recursive: true, force: true })
  mkdirSync(dirname(running), { recursive: true })
}

/** Whether a scanner listens there: its control pipe has a reader. */
async function isScanning(): Promise<boolean> {
  if (!existsSync(join(running, '.s6-svscan', 'control'))) return false
  return (await runCommand('s6-svscanctl', [running])).code === 0
}
