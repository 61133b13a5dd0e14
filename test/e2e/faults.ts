import { resolve } from 'node:path'
import { outputOf, runCommand } from '../../deploy/command.ts'
import type { HostContainer } from '../../deploy/hosts.ts'
import type { E2eCluster } from './cluster.ts'

/** A process of the control plane (a container each) or of every worker host (under s6). */
export type Victim =
  | 'apiserver'
  | 'controller-manager'
  | 'cloud-controller-manager'
  | 'scheduler'
  | 'kubelet'
  | 'kube-proxy'
  | 'dns'
  | 'dockerd'

const CONTROL_PLANE: readonly Victim[] = ['apiserver', 'controller-manager', 'cloud-controller-manager', 'scheduler']

/** The first process of a control-plane container is an init; 'docker kill' would count as a person's wish that it stay down. */
const killFirst = (id: string) => ['exec', id, 'sh', '-c', 'read -r child rest </proc/1/task/1/children; kill -9 "$child"']

/** Ends the process of a control-plane container as a crash does. The engine starts it again. */
export async function crash({ id }: HostContainer): Promise<void> {
  await outputOf('docker', killFirst(id))
}

/** Ends processes as a crash does: SIGKILL, all of them as nearly at once as can be. What runs them starts them again. */
export async function killProcesses(cluster: E2eCluster, ...victims: Victim[]): Promise<void> {
  const workers = [...(await cluster.workers()).values()]
  const killings = await Promise.all(
    victims.map(async (victim) => {
      if (CONTROL_PLANE.includes(victim)) return [killFirst((await cluster.service(victim)).id)]
      return workers.map(({ id }) => ['exec', id, 's6-svc', '-k', `/service/${victim}`])
    }),
  )
  await Promise.all(killings.flat().map((command) => outputOf('docker', command)))
}

/** Waits until the API server answers again. It cannot announce itself, so it is asked. */
export async function untilServing({ clock, kubectl }: E2eCluster, withinMilliseconds = 30_000): Promise<void> {
  const deadline = clock.monotonic() + withinMilliseconds
  for (;;) {
    const answer = await kubectl.run(['get', '--raw', '/readyz'])
    if (answer.code === 0) return
    if (clock.monotonic() > deadline) throw new Error(`the API server does not answer: ${answer.stderr}`)
  }
}

/** A command of the cluster's scripts, as `make` calls them. */
export async function deployCommand({ settings }: E2eCluster, script: string, ...args: string[]): Promise<string> {
  const path = resolve(settings.checkout, 'deploy', script)
  const [program, first] = script.endsWith('.ts') ? [process.execPath, [path]] : [path, []]
  const result = await runCommand(program, [...first, ...args], { cwd: settings.checkout, env: settings.environment })
  if (result.code !== 0) throw new Error(`${script} ${args.join(' ')}: ${result.stdout}${result.stderr}`)
  return result.stdout
}
