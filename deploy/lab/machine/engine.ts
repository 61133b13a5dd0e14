import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines, runCommand } from '../../command.ts'
import { CannotGoOn } from '../../step.ts'
import { ownHome } from './release.ts'

/** The oldest engine whose API the kubelet speaks (1.41). */
const OLDEST = [20, 10] as const
/** What holds a pod's namespaces. */
export const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10'

interface Tools {
  readonly note: (text: string) => void
  readonly print: (line: string) => void
}

/** Sees to the Docker Engine of this machine: the one there is, or Debian's, installed and started. @throws CannotGoOn */
export async function ensureEngine({ note, print }: Tools): Promise<void> {
  const result = await runCommand(join(ownHome, 'deploy/engine.sh'), [], {
    env: process.env,
    onLine: (line) => {
      if (/^(engine|packages): (?!cure|warning)/.test(line)) print(`    ${line}`)
    },
  })
  if (result.code !== 0) {
    const [said = '', cure] = lastLines(result.stderr, 40).split(/^engine: cure: /m)
    throw new CannotGoOn(
      `there is no Docker Engine on this machine that could be used: ${said.trim().replace(/^engine: /m, '')}`,
      cure?.trim() || 'install docker.io (without a network: from the machine that made the bundle, apt-get download), and join again',
    )
  }
  const { stdout } = await runCommand('docker', ['version', '--format', '{{.Server.Version}}'])
  note(`Docker ${stdout.trim()}`)
  const [major = 0, minor = 0] = stdout.split('.').map(Number)
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return
  throw new CannotGoOn(
    `the Docker Engine here is ${stdout.trim()}, older than ${OLDEST.join('.')}`,
    'apt-get install docker.io, or any newer one',
  )
}

/**
 * Brings the image of the cluster itself into the engine: out of the bundle, else pulled, else made as `make images` makes it.
 * @returns the names that were not there before
 * @throws CannotGoOn
 */
export async function ensureImages(): Promise<string[]> {
  if ((await runCommand('docker', ['image', 'inspect', PAUSE_IMAGE])).code === 0) return []
  const archive = join(ownHome, 'images.tar')
  if (existsSync(archive)) {
    const loaded = await runCommand('docker', ['load', '--quiet', '--input', archive])
    if (loaded.code !== 0)
      throw new CannotGoOn(`the images of the bundle cannot be loaded: ${lastLines(loaded.stderr, 3)}`, 'make the bundle again')
    return [...loaded.stdout.matchAll(/^Loaded image: (\S+)$/gm)].map(([, name = '']) => name)
  }
  const made = await runCommand(join(ownHome, 'deploy/images.sh'), [PAUSE_IMAGE], { env: process.env })
  if (made.code === 0) return [PAUSE_IMAGE]
  throw new CannotGoOn(
    `the image ${PAUSE_IMAGE} is neither here nor to be had: ${lastLines(made.stderr, 3)}`,
    'let this machine reach registry.k8s.io, or join from a bundle (coxswain-lab bundle, on a machine that has a network)',
  )
}

/** Programs of Debian that a machine needs besides the engine. @throws CannotGoOn naming those that cannot be installed */
export async function ensurePackages(names: readonly string[], print: (line: string) => void): Promise<void> {
  if (names.length === 0) return
  const result = await runCommand(join(ownHome, 'deploy/packages.sh'), names, { env: process.env, onLine: (line) => print(`    ${line}`) })
  if (result.code === 0) return
  throw new CannotGoOn(
    `a program is missing here, and Debian's package of it cannot be installed: ${lastLines(result.stderr || result.stdout, 3)}`,
    `apt-get install ${names.join(' ')}, where a mirror answers`,
  )
}
