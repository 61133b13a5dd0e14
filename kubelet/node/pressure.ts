/** What can run short, as the node's conditions tell it. */
export type PressureKind = 'memory' | 'disk' | 'pid'

/** The conditions' names. */
export const PRESSURE_CONDITIONS: Readonly<Record<PressureKind, string>> = {
  memory: 'MemoryPressure',
  disk: 'DiskPressure',
  pid: 'PIDPressure',
}
