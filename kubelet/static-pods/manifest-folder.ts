import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { FolderChange } from '../../shared/machine/folder-change.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { pause } from '../../shared/time/pause.ts'
import type { ManifestSource, ManifestSourceTools } from './manifest-source.ts'
import { ManifestError, readManifest } from './manifest-text.ts'
import { staticPod } from './static-pod.ts'

/** A file that was written to this recently may not be complete yet: the beginning of a manifest can be a manifest. Milliseconds. */
const SETTLE_MILLISECONDS = 200
/** More files than a node can run pods by far. */
const MOST_FILES = 1_000

/** Stands for the text of a file that is not read; no manifest has such a text. */
const TOO_LONG = '\0'

interface KnownFile {
  text: string
  /** The last pod that the file was good for. */
  pod: Pod | undefined
}

/**
 * The manifests of a folder, or a single file: looked at when the kernel says that something happened there, and from time to time. Files
 * that begin with a dot are passed over. A file that has become unreadable keeps the pod that it was: somebody is writing it, or
 * made a mistake, and neither ought to end what runs. One that is gone ends its pod.
 */
export function manifestFolder(path: string, { nodeName, every, clock, log }: ManifestSourceTools): ManifestSource {
  let known: ReadonlyMap<string, KnownFile> = new Map()

  async function read(file: string, before: KnownFile | undefined): Promise<{ found?: KnownFile | undefined; isFresh: boolean }> {
    try {
      const { mtimeMs, size } = await stat(file)
      const age = clock.now() - mtimeMs
      if (age >= 0 && age < SETTLE_MILLISECONDS) return { found: before, isFresh: true }
      const text = size > inputLimits.yamlBytes ? TOO_LONG : await readFile(file, 'utf8')
      if (before?.text === text) return { found: before, isFresh: false }
      const pod = parse(file, text)
      return { found: { text, pod: pod ?? before?.pod }, isFresh: false }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return { isFresh: false } // renamed or removed since the folder was read
      log.warn('a manifest cannot be read; its pod stays as it is', { file, error: String(error) })
      return { found: before, isFresh: false }
    }
  }

  function parse(file: string, text: string): Pod | undefined {
    try {
      if (text === TOO_LONG) throw new ManifestError(`it is longer than ${inputLimits.yamlBytes} bytes`)
      return staticPod(readManifest(text), { kind: 'file', name: file }, nodeName, clock.now())
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error
      log.warn('a manifest is passed over; the pod that it was before stays', { file, why: error.message })
      return undefined
    }
  }

  /** True when something is still being written. */
  async function look(): Promise<boolean> {
    const files = await manifestFiles(path)
    const next = new Map<string, KnownFile>()
    let isBusy = false
    for (const file of files.slice(0, MOST_FILES)) {
      const { found, isFresh } = await read(file, known.get(file))
      isBusy ||= isFresh
      if (found) next.set(file, found)
    }
    if (files.length > MOST_FILES) log.warn('there are too many manifests; the last are passed over', { path, most: MOST_FILES })
    known = next
    return isBusy
  }

  return {
    async follow(found, signal) {
      while (!signal.aborted) {
        const change = new FolderChange(path)
        try {
          const isBusy = await look()
          // What is being written at the very start is not there yet for anybody.
          found([...known.values()].flatMap(({ pod }) => pod ?? []))
          await change.within(isBusy ? SETTLE_MILLISECONDS : every, clock, signal)
        } catch (error) {
          if (signal.aborted) return
          log.warn('the manifests cannot be read; pods stay as they are', { path, error: String(error) })
          await pause(clock, every, signal)
        } finally {
          change.end()
        }
      }
    },
  }
}

/** In the order of their names. A place that does not exist has none. */
async function manifestFiles(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    const files = entries.filter((entry) => !entry.name.startsWith('.') && !entry.isDirectory())
    return files.map(({ name }) => join(path, name)).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return [path]
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
