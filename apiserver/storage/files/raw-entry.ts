/** One write as it lies in LevelDB's files; of several to one key the one with the highest sequence counts. */
export interface RawEntry {
  readonly key: string
  readonly sequence: number
  /** Undefined: the key was deleted. */
  readonly value: Buffer | undefined
}
