import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
/** In the order in which they are printed. */
const shortForms: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
]
const volumeModes = ['Block', 'Filesystem']

/** Known modes, and the one for a single pod stands alone. */
export function* accessModesProblems(modes: readonly string[], path: string): Generator<FieldProblem> {
  for (const mode of modes) if (!accessModes.includes(mode)) yield fieldProblem.notSupported(path, mode, accessModes)
  const others = modes.filter((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode))
  if (modes.includes('ReadWriteOncePod') && others.length > 0) {
    yield fieldProblem.forbidden(path, 'may not use ReadWriteOncePod with other access modes')
  }
}

export function* volumeModeProblems(mode: string | undefined, path: string): Generator<FieldProblem> {
  if (mode !== undefined && !volumeModes.includes(mode)) yield fieldProblem.notSupported(path, mode, volumeModes)
}

/** `RWO,ROX`: as kubectl's users know them. */
export function accessModesCell(modes: readonly string[] | undefined): string {
  return shortForms.flatMap(([mode, short]) => (modes?.includes(mode) ? [short] : [])).join(',')
}
