import { outputOf, runCommand } from './command.ts'
import type { Settings } from './settings.ts'

/**
 * Volumes of worker hosts that are no more. Compose leaves them when it scales down or recreates a host, and they carry no label; but
 * each host writes into its volumes whose it is, so they can be asked.
 */
export async function volumesLeftBehind(settings: Settings): Promise<string[]> {
  const dangling = (await outputOf('docker', ['volume', 'ls', '-q', '--filter', 'dangling=true']))
    .split('\n')
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
  if (dangling.length === 0 || (await runCommand('docker', ['image', 'inspect', settings.workerImage])).code !== 0) return []
  const mounts = dangling.flatMap((name) => ['-v', `${name}:/volumes/${name}:ro`])
  const script = 'grep -lxF "$1" /volumes/*/.coxswain-host 2>/dev/null || true'
  const found = await outputOf('docker', [
    'run',
    '--rm',
    '--network',
    'none',
    ...mounts,
    '--entrypoint',
    'sh',
    settings.workerImage,
    '-c',
    script,
    'sh',
    `${settings.project}_cluster`,
  ])
  return found.split('\n').flatMap((path) => path.split('/')[2] ?? [])
}

/** Removes volumes; those that are gone already, or in use again, are left alone. */
export async function removeVolumes(names: readonly string[]): Promise<void> {
  if (names.length > 0) await runCommand('docker', ['volume', 'rm', '--force', ...names])
}
