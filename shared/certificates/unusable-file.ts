/** A file of the cluster's identity that can neither be used nor be made again; says which, why, and what to do. */
export class UnusableFile extends Error {
  override readonly name = 'UnusableFile'
  readonly path: string

  constructor(path: string, why: string, cure: string, cause?: unknown) {
    super(`cannot use ${path}: ${why}. Cure: ${cure}.`, { cause })
    this.path = path
  }
}
