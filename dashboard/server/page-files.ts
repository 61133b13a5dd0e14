import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** A file as it is sent. */
export interface PageFile {
  readonly type: string
  readonly body: Buffer
  readonly zipped: Buffer
  /** Named by its content: it never changes. */
  readonly isForever: boolean
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The built page, read with the first request and kept: it is small, and nobody changes it while this runs. */
export class PageFiles {
  readonly #folder: string
  #files: ReadonlyMap<string, PageFile> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * The file of a path; for paths of the page's own (`/kinds/…`) the page itself. Undefined for a missing file.
   * @throws Error when the page was not built
   */
  find(path: string): PageFile | undefined {
    this.#files ??= readFiles(this.#folder)
    return this.#files.get(path) ?? (path.startsWith('/assets/') ? undefined : this.#files.get('/index.html'))
  }
}

function readFiles(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const file = join(entry.parentPath, entry.name)
    const path = file.slice(folder.length).replaceAll('\\', '/')
    const body = readFileSync(file)
    files.set(path, { type, body, zipped: gzipSync(body), isForever: path.startsWith('/assets/') })
  }
  if (!files.has('/index.html')) throw new Error(`${folder} holds no page: run tools/build-dashboard.ts`)
  return files
}
