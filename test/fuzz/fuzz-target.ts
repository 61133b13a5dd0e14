import type { Random } from '../../shared/random/random.ts'

/** Something that reads bytes of strangers. One file of this folder each, default export, named after what it reads. */
export interface FuzzTarget {
  /** Inputs to begin with, besides those kept in `seeds/<name>/`. */
  readonly seeds: readonly (string | Buffer)[]
  /** Pieces that mean something to the reader, for mutations to use. */
  readonly words?: readonly (string | Buffer)[]
  /** Makes an input with the structure that the reader expects; asked now and then instead of a mutation. */
  readonly generate?: (random: Random) => Buffer
  /** Longest input, bytes; 4096 when not given. */
  readonly longest?: number
  /** Inputs are only numbers to generate from: which of them reached something new says nothing, and looking costs much. */
  readonly isBlind?: boolean
  /** Prepares what all inputs share. */
  readonly prepare?: () => Promise<void>
  /** Reads one input. It may throw what `isExpected` knows, and must return; everything else is a finding. */
  readonly run: (input: Buffer) => void | Promise<void>
  /** Whether this is how the reader refuses. */
  readonly isExpected: (error: unknown) => boolean
}
