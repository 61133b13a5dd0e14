/** The revision that listeners of a cache are being told of. Listeners run at once, one after the other, and must only mark keys dirty. */
let told: string | undefined

/** Calls a listener; while it runs, `toldRevision` answers the revision. */
export function telling(revision: string | undefined, listener: () => void): void {
  const before = told
  told = revision
  try {
    listener()
  } finally {
    told = before
  }
}

/** Which revision a listener that runs now is told of; undefined outside of one. */
export function toldRevision(): string | undefined {
  return told
}
