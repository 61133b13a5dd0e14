import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { outputOf } from '../../command.ts'
import { places } from './places.ts'

/** Where this program lies: a checkout, an unpacked bundle or an installed release. */
export const ownHome = resolve(import.meta.dirname, '../../..')

/** What a release is made of. A folder with a service of its own is named here. */
export const releaseFolders = [
  ...(['apiserver', 'controller-manager', 'scheduler', 'cloud-controller-manager', 'ingress'] as const),
  ...(['kubelet', 'kube-proxy', 'dns', 'shared', 'deploy'] as const),
] as const

/** How many releases stay: the one that runs, and the one before. */
const KEPT = 2

/**
 * Brings this program to where the machine keeps it, and makes it the one that runs from now on.
 * @param inPlace runs it from where it lies, without a copy
 * @param stamp names the release; later ones sort after earlier ones
 */
export async function installRelease(inPlace: boolean, stamp: string): Promise<string> {
  mkdirSync(places.programs, { recursive: true, mode: 0o755 })
  const target = inPlace ? ownHome : join(places.programs, 'releases', stamp)
  if (!inPlace) await copyRelease(target)
  const link = `${places.current}.new`
  rmSync(link, { force: true })
  symlinkSync(target, link)
  renameSync(link, places.current)
  linkCommand()
  removeOldReleases(target)
  return target
}

/** Production packages only and JavaScript made of TypeScript, as in the images (`.dockerignore`, strip-types.ts): processes are smaller so. */
async function copyRelease(target: string): Promise<void> {
  const unfinished = `${target}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  // Readers of a bundle that is installed already find no list there, and nothing that it would leave out.
  const without = existsSync(join(ownHome, '.dockerignore')) ? `--exclude-from=${join(ownHome, '.dockerignore')}` : '--exclude=.cache'
  const what = [...releaseFolders, 'package.json', 'package-lock.json', 'node_modules']
  const copy = `tar -C "$1" --wildcards --anchored ${JSON.stringify(without)} -cf - ${what.join(' ')} | tar -C "$2" -xf -`
  await outputOf('sh', ['-c', `set -e; ${copy}`, 'sh', ownHome, unfinished])
  mkdirSync(join(unfinished, 'tools'))
  cpSync(join(ownHome, 'tools/node'), join(unfinished, 'tools/node'))
  const strip = join(unfinished, 'deploy/strip-types.ts')
  if (existsSync(strip)) {
    const node = join(unfinished, 'tools/node')
    await outputOf(node, ['--disable-warning=ExperimentalWarning', strip, ...releaseFolders.map((folder) => join(unfinished, folder))])
  }
  renameSync(unfinished, target)
}

function linkCommand(): void {
  const target = join(places.current, 'deploy/lab/coxswain-lab.sh')
  if (lstatSync(places.command, { throwIfNoEntry: false })) rmSync(places.command)
  mkdirSync(join(places.command, '..'), { recursive: true })
  symlinkSync(target, places.command)
}

function removeOldReleases(current: string): void {
  const folder = join(places.programs, 'releases')
  if (!existsSync(folder)) return
  const others = readdirSync(folder).filter((name) => join(folder, name) !== current)
  for (const name of others.sort().slice(0, Math.max(0, others.length - (KEPT - 1)))) rmSync(join(folder, name), { recursive: true })
}

/** The folder that runs now; undefined where nothing is installed. */
export function currentRelease(): string | undefined {
  return lstatSync(places.current, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(places.current) : undefined
}
