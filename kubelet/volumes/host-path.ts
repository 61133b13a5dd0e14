import type { Stats } from 'node:fs'
import { mkdir, open, stat } from 'node:fs/promises'
import type { HostPathVolumeSource } from '../../shared/openapi/generated/core-v1.ts'
import { VolumeError, type VolumeType } from './volume.ts'

type Kind = { is(stats: Stats): boolean; called: string; create?(path: string): Promise<void> }

const kinds: Readonly<Record<string, Kind>> = {
  DirectoryOrCreate: { is: (stats) => stats.isDirectory(), called: 'a directory', create: makeDirectory },
  Directory: { is: (stats) => stats.isDirectory(), called: 'a directory' },
  FileOrCreate: { is: (stats) => stats.isFile(), called: 'a file', create: makeFile },
  File: { is: (stats) => stats.isFile(), called: 'a file' },
  Socket: { is: (stats) => stats.isSocket(), called: 'a socket file' },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), called: 'a character device' },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), called: 'a block device' },
}

/** A file or folder of the node itself, checked against its type before a container sees it. Never deleted. */
export function hostPath(): VolumeType {
  return {
    pluginName: 'kubernetes.io/host-path',
    supports: (volume) => volume.hostPath !== undefined,
    async prepare({ volume }) {
      return { hostPath: await pathOfHost(volume.hostPath ?? { path: '' }), readOnly: false }
    },
    async teardown() {},
  }
}

/** The path, made and checked as its type says. @throws VolumeError */
export async function pathOfHost({ path, type = '' }: HostPathVolumeSource): Promise<string> {
  if (path.split('/').includes('..')) throw new VolumeError(`hostPath ${JSON.stringify(path)} must not contain '..'`)
  const kind = type === '' ? undefined : kinds[type]
  if (type !== '' && !kind) throw new VolumeError(`hostPath type ${JSON.stringify(type)} is not known`)
  let stats = await statIfPresent(path)
  if (!stats && (kind?.create || !kind)) {
    // Without a type nothing is promised; engines make a folder then, so it is made here where errors can be told.
    await (kind?.create ?? makeDirectory)(path)
    stats = await statIfPresent(path)
  }
  if (kind && (!stats || !kind.is(stats))) throw new VolumeError(`hostPath type check failed: ${path} is not ${kind.called}`)
  return path
}

async function statIfPresent(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 })
}

async function makeFile(path: string): Promise<void> {
  // Its folder is not made: upstream does not either, so a typing error in a path shows.
  const file = await open(path, 'a', 0o644)
  await file.close()
}
