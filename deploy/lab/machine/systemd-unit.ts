import type { MachineRecord } from './machine-record.ts'
import { places } from './places.ts'
import type { MachineProcess } from './processes.ts'

export const unitName = ({ name }: Pick<MachineProcess, 'name'>) => `coxswain-${name}.service`

/** The unit of one process. Its settings may be changed by `/etc/coxswain/<name>.env`, lines such as `COXSWAIN_LOG_LEVEL=debug`. */
export function systemdUnit(process: MachineProcess, machine: MachineRecord): string {
  const { name, summary, awaits, needsEngine, prepare, flags, confinement } = process
  const after = ['network-online.target', ...(needsEngine ? ['docker.service'] : [])]
  return [
    '[Unit]',
    `Description=Coxswain ${name}: ${summary}`,
    `After=${after.join(' ')}`,
    'Wants=network-online.target',
    // It is tried for ever: what it waits for may be another machine.
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    `Environment=COXSWAIN_HOME=${places.current}`,
    ...(awaits === undefined ? [] : [`Environment=COXSWAIN_AWAIT_FILE=${awaits}`]),
    `Environment=NODE_COMPILE_CACHE=${places.current}/.cache/node`,
    `EnvironmentFile=-${places.config}/${name}.env`,
    ...(prepare === undefined ? [] : [`ExecStartPre=+${places.current}/deploy/lab/machine/${prepare(machine)}`]),
    `ExecStart=${places.current}/deploy/coxswain.sh ${[name, ...flags(machine)].map(quoted).join(' ')}`,
    'Restart=always',
    'RestartSec=1',
    // Containers are the engine's children: a stop of the kubelet does not reach them.
    'KillMode=mixed',
    'TimeoutStopSec=35',
    'OOMScoreAdjust=-900',
    'LimitNOFILE=1048576',
    `SyslogIdentifier=coxswain-${name}`,
    ...confinement,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n')
}

/** As systemd reads words: in double quotes where it needs them, with `%` and `$` doubled. */
function quoted(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /[\s"'\\;]/.test(escaped) ? `"${escaped.replaceAll(/["\\]/g, '\\$&')}"` : escaped
}
