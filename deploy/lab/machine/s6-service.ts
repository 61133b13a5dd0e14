import type { MachineRecord } from './machine-record.ts'
import { places } from './places.ts'
import type { MachineProcess } from './processes.ts'

/** A file of an s6 service folder; all of them are programs. */
export interface ServiceFile {
  readonly path: string
  readonly content: string
}

/** The service folder of one process, for machines without systemd: the way of the worker image, with a log beside it. */
export function s6Service(process: MachineProcess, machine: MachineRecord): ServiceFile[] {
  const { name, awaits, prepare, flags } = process
  const settings = `${places.config}/${name}.env`
  const run = [
    '#!/bin/sh',
    'exec 2>&1',
    `export COXSWAIN_HOME=${places.current} NODE_COMPILE_CACHE=${places.current}/.cache/node`,
    ...(awaits === undefined ? [] : [`export COXSWAIN_AWAIT_FILE=${awaits}`]),
    `if [ -r ${settings} ]; then set -a; . ${settings}; set +a; fi`,
    ...(prepare === undefined ? [] : [`${places.current}/deploy/lab/machine/${prepare(machine)} || exit 1`]),
    `exec ${places.current}/deploy/coxswain.sh ${[name, ...flags(machine)].map(quoted).join(' ')}`,
    '',
  ]
  return [
    { path: `${name}/run`, content: run.join('\n') },
    { path: `${name}/finish`, content: `#!/bin/sh\nexec ${places.current}/deploy/worker/back-off.sh ${name} "$1" "$2"\n` },
    { path: `${name}/timeout-kill`, content: '10000\n' },
    { path: `${name}/timeout-finish`, content: '0\n' },
    // Ten files of a megabyte; lines carry the time already.
    { path: `${name}/log/run`, content: `#!/bin/sh\nexec s6-log n10 s1000000 ${places.logs}/${name}\n` },
  ]
}

/** One word of a shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
