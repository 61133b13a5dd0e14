import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A disk of this machine that is a file, and can be enlarged. */
export interface LoopDevice {
  path: string
  resize(bytes: number): void
}

/** One for the length of a test; undefined where the machine gives none, for the reason that the test is skipped with. */
export function loopDevice(context: TestContext, bytes: number): LoopDevice | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'loop-'))
  const image = join(folder, 'image')
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(image, '')
  truncateSync(image, bytes)
  const made = spawnSync('losetup', ['--find', '--show', image], { encoding: 'utf8' })
  if (made.status !== 0) {
    context.skip(`no loop device: ${made.stderr ?? made.error?.message}`)
    return undefined
  }
  const path = made.stdout.trim()
  context.after(() => spawnSync('losetup', ['--detach', path]))
  return {
    path,
    resize(size) {
      truncateSync(image, size)
      const told = spawnSync('losetup', ['--set-capacity', path], { encoding: 'utf8' })
      if (told.status !== 0) throw new Error(`the loop device cannot be resized: ${told.stderr}`)
    },
  }
}
