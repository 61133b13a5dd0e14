import { rm } from 'node:fs/promises'
import type { Mounter } from '../volumes/mounter.ts'
import { podDirectory } from './pod-directory.ts'

/** Deletes a pod's folder, but never what is still mounted in it: that may be somebody's data. */
export async function removePodFiles(rootDir: string, podUid: string, mounter: Pick<Mounter, 'mountsUnder'>): Promise<void> {
  // An empty uid would name the folder of all pods.
  if (!/^[\w-]+$/.test(podUid)) throw new Error(`${JSON.stringify(podUid)} is no pod uid`)
  const folder = podDirectory(rootDir, podUid)
  const mounted = await mounter.mountsUnder(folder)
  if (mounted.length > 0) throw new Error(`${mounted[0]} is still mounted`)
  await rm(folder, { recursive: true, force: true })
}
