/** The input being read, where another thread sees it even while its reader hangs. */
export interface CurrentInput {
  begin(bytes: Uint8Array): void
  end(): void
  /** The input, how many there were before it, and whether it is still being read. */
  look(): { readonly count: number; readonly isBusy: boolean; readonly bytes: Buffer }
}

const HEAD = 3

/** Bytes of shared memory for inputs of up to a megabyte. */
export const SHARED_BYTES = 1024 * 1024 + HEAD * 4

export function currentInput(shared: SharedArrayBuffer): CurrentInput {
  const head = new Int32Array(shared, 0, HEAD)
  const body = new Uint8Array(shared, HEAD * 4)
  return {
    begin(bytes) {
      body.set(bytes.subarray(0, body.length))
      Atomics.store(head, 1, Math.min(bytes.length, body.length))
      Atomics.store(head, 2, 1)
      Atomics.add(head, 0, 1)
    },
    end() {
      Atomics.store(head, 2, 0)
    },
    look: () => ({
      count: Atomics.load(head, 0),
      isBusy: Atomics.load(head, 2) === 1,
      bytes: Buffer.from(body.slice(0, Atomics.load(head, 1))),
    }),
  }
}
