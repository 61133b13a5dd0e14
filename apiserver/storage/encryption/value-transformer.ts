/** What values that are encrypted begin with on the medium, as upstream's do: `k8s:enc:<provider>:v1:<key>:`. JSON begins otherwise. */
export const ENCRYPTED = Buffer.from('k8s:enc:')

/**
 * How a value lies on the medium. `newest`: as it would be written now; `older`: in another form that can be read, so that writing it again
 * changes something; `unopened`: in a form that nobody here reads.
 */
export type StoredForm = 'newest' | 'older' | 'unopened'

/**
 * What stands between values and a medium that outlives the process. A driver calls it for every value that it writes and reads, those of
 * deletes and of the past included; what it keeps in memory is plain. Checksums are to be of what is stored: those of short plain values would tell them.
 */
export interface ValueTransformer {
  /** The bytes to store under the key; the value itself where it is not encrypted. */
  toStorage(key: string, plain: Buffer): Buffer
  /** The value; the stored bytes themselves where they are not encrypted. @throws UnreadableValue */
  fromStorage(key: string, stored: Buffer): Buffer
  /** Told by what the bytes begin with, without opening them. */
  formOf(key: string, stored: Buffer): StoredForm
}
