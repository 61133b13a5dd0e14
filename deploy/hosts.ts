import { outputOf } from './command.ts'
import type { Settings } from './settings.ts'

/** A container of the cluster. */
export interface HostContainer {
  readonly id: string
  readonly name: string
  readonly service: string
  /** created, restarting, running, removing, paused, exited or dead. */
  readonly state: string
  readonly startedAt: Date
  readonly exitCode: number
  /** How often the engine has started it again. */
  readonly restarts: number
  /** Address on the cluster's network; empty while it does not run. */
  readonly address: string
  /** Names of the volumes it uses. */
  readonly volumes: readonly string[]
}

interface Inspected {
  Id: string
  Name: string
  RestartCount: number
  Config: { Labels: Record<string, string> }
  State: { Status: string; StartedAt: string; ExitCode: number }
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> }
  Mounts: { Type: string; Name?: string }[]
}

/** The cluster's containers, running or not, of one service or of all. Found by compose's labels: their names differ between its versions. */
export async function findContainers(settings: Settings, service?: string): Promise<HostContainer[]> {
  const filters = [`label=com.docker.compose.project=${settings.project}`, 'label=com.docker.compose.oneoff=False']
  if (service !== undefined) filters.push(`label=com.docker.compose.service=${service}`)
  const ids = await outputOf('docker', ['ps', '-aq', '--no-trunc', ...filters.flatMap((filter) => ['--filter', filter])])
  if (ids === '') return []
  const inspected = JSON.parse(await outputOf('docker', ['inspect', ...ids.split('\n')])) as Inspected[]
  return inspected
    .map((one) => ({
      id: one.Id,
      name: one.Name.replace(/^\//, ''),
      service: one.Config.Labels['com.docker.compose.service'] ?? '',
      state: one.State.Status,
      startedAt: new Date(one.State.StartedAt),
      exitCode: one.State.ExitCode,
      restarts: one.RestartCount,
      address: Object.values(one.NetworkSettings.Networks).find((network) => network.IPAddress !== '')?.IPAddress ?? '',
      volumes: one.Mounts.flatMap((mount) => (mount.Type === 'volume' && mount.Name !== undefined ? [mount.Name] : [])),
    }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}
