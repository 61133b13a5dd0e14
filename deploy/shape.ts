import { outputOf } from './command.ts'
import { readSettings, type Settings } from './settings.ts'
import { CannotGoOn } from './step.ts'

/** Whether the cluster whose data is on this machine is a highly available one; undefined: there is none. Volumes say so: they outlive containers. */
async function isThereHighlyAvailable({ project }: Settings): Promise<boolean | undefined> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`]
  const volumes = await outputOf('docker', ['volume', 'ls', '-q', ...filter])
  const names = new Set(volumes.split('\n').map((name) => name.slice(project.length + 1)))
  if (names.has('etcd-1-data')) return true
  return names.has('apiserver-data') ? false : undefined
}

/** The settings of the cluster that is there, whichever shape this command was asked for. Needs an engine that answers. */
export async function asThere(settings: Settings): Promise<Settings> {
  const isThere = (await isThereHighlyAvailable(settings)) ?? settings.isHighlyAvailable
  if (isThere === settings.isHighlyAvailable) return settings
  return readSettings(settings.checkout, { ...process.env, COXSWAIN_HA: isThere ? '1' : '0' })
}

/** @throws CannotGoOn where the cluster that is there has the other shape: what it has stored is not carried over */
export async function refuseOtherShape(settings: Settings): Promise<void> {
  const isThere = await isThereHighlyAvailable(settings)
  if (isThere === undefined || isThere === settings.isHighlyAvailable) return
  throw isThere
    ? new CannotGoOn(
        'the cluster whose data is here is highly available, and a plain one was asked for',
        "'make up HA=1' goes on with it; 'make down' removes it and its data",
      )
    : new CannotGoOn(
        'the cluster whose data is here has one API server, and a highly available one was asked for',
        "'make up' goes on with it; 'make down' removes it and its data",
      )
}
