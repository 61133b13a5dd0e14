import { rmSync } from 'node:fs'
import { writeFileIfDifferent } from '../../../shared/certificates/atomic-file.ts'
import { outputOf, runCommand } from '../../command.ts'
import { places } from './places.ts'
import { processesOf } from './processes.ts'
import type { Supervisor } from './supervisor.ts'
import { systemdUnit, unitName } from './systemd-unit.ts'

const systemctl = (...args: string[]) => outputOf('systemctl', args)

/** A unit a process; logs go to journald. */
export const systemdSupervisor: Supervisor = {
  name: 'systemd',
  async install(machine) {
    for (const process of processesOf(machine)) {
      writeFileIfDifferent(`${places.units}/${unitName(process)}`, systemdUnit(process, machine), { mode: 0o644 })
    }
    await systemctl('daemon-reload')
  },
  async start(machine) {
    await systemctl('enable', '--quiet', '--now', ...processesOf(machine).map(unitName))
  },
  async restart(name) {
    await systemctl('restart', unitName({ name }))
  },
  async stop(machine) {
    await systemctl('stop', ...processesOf(machine).map(unitName))
  },
  async remove(machine) {
    const units = processesOf(machine).map(unitName)
    // Units that were never enabled, or of an installation that broke off.
    await runCommand('systemctl', ['disable', '--quiet', '--now', ...units])
    for (const unit of units) rmSync(`${places.units}/${unit}`, { force: true })
    await systemctl('daemon-reload')
    await runCommand('systemctl', ['reset-failed', ...units])
  },
  isRunning: async (name) => (await runCommand('systemctl', ['is-active', '--quiet', unitName({ name })])).code === 0,
  logOf: (name) => `journalctl -u ${unitName({ name })}`,
  lastLines: async (name, count) =>
    (await runCommand('journalctl', ['-u', unitName({ name }), '-n', String(count), '-o', 'cat', '--no-pager'])).stdout.trimEnd(),
}
