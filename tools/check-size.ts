import { report, type SourceFile, sourceFiles } from './tree.ts'

/** A file longer than this hides a second concept. */
const LIMIT = 400

/** Files that may be longer, each with the reason. */
export const exceptions: Readonly<Record<string, string>> = {}

/** Files over the limit, and exceptions that no longer need to be. */
export function sizeFindings(files: readonly SourceFile[], allowed: Readonly<Record<string, string>> = exceptions): string[] {
  const lengths = new Map(files.map(({ path, text }) => [path, text.split('\n').length - 1]))
  const tooLong = [...lengths].filter(([path, lines]) => lines > LIMIT && !(path in allowed))
  const needless = Object.keys(allowed).filter((path) => (lengths.get(path) ?? 0) <= LIMIT)
  return [
    ...tooLong.map(([path, lines]) => `${path}: ${lines} lines, the limit is ${LIMIT}: find the second noun in it`),
    ...needless.map((path) => `${path}: is in the list of exceptions of tools/check-size.ts, but is not too long any more`),
  ]
}

if (import.meta.main) process.exit(report('check-size', sizeFindings(sourceFiles())))
