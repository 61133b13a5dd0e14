/**
 * Makes the dashboard's page of `dashboard/view/`: `dashboard/built/`, which is not committed. Does nothing when it was made of the same sources;
 * `--force` makes it anew. Reading vite takes longer than building, so it is loaded only then.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './tree.ts'

const VIEW = join(root, 'dashboard/view')
const BUILT = join(root, 'dashboard/built')
const STAMP = join(BUILT, '.source')

/** What goes in: the view, what both sides of the socket say, the rooms it takes from, the versions of packages, and this recipe. */
function digest(): string {
  const hash = createHash('sha256')
  const folders = [VIEW, ...['limits', 'text', 'time'].map((room) => join(root, 'shared', room))]
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.includes('.test.'))
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  const others = ['dashboard/live-protocol.ts', 'package-lock.json', 'tools/build-dashboard.ts'].map((file) => join(root, file))
  for (const file of [...files, ...others].sort()) hash.update(`${file.slice(root.length)}\n`).update(readFileSync(file))
  return hash.digest('hex')
}

/** Builds it unless it is there; whoever reads it sees all of the old or all of the new. */
export async function buildDashboard(isForced = false): Promise<void> {
  const wanted = digest()
  if (!isForced && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
  const { build } = await import('vite')
  const fresh = `${BUILT}.${process.pid}`
  await build({
    root: VIEW,
    configFile: false,
    publicDir: 'files',
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: fresh,
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 600,
    },
  })
  writeFileSync(join(fresh, '.source'), wanted)
  rmSync(BUILT, { recursive: true, force: true })
  renameSync(fresh, BUILT)
}

if (import.meta.main) await buildDashboard(process.argv.includes('--force'))
