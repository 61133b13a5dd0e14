import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The readers that are fuzzed: the files of `targets/`. */
export function targetNames(): string[] {
  return readdirSync(join(import.meta.dirname, 'targets'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()
}
