/**
 * One key of one provider. What it seals is bound to the key under which it is stored: under another it does not open, so that nobody who can
 * write to the medium puts one object's value in the place of another's.
 */
export interface ValueCipher {
  seal(storageKey: string, plain: Buffer): Buffer
  /** @throws Error for bytes that this key did not seal for this storage key */
  open(storageKey: string, sealed: Buffer): Buffer
}

/** Why sealed bytes do not open. What exactly was wrong with them is for nobody to know. */
export class NotOpened extends Error {
  override readonly name = 'NotOpened'
  constructor() {
    super('the key does not open it')
  }
}

/** For ciphers that know no additional authenticated data: the storage key is sealed with the value. A storage key has no zero byte. */
export function bind(storageKey: string, plain: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${storageKey}\0`), plain])
}

/** @throws NotOpened where it was bound to another storage key */
export function unbind(storageKey: string, bound: Buffer): Buffer {
  const name = Buffer.from(`${storageKey}\0`)
  if (!bound.subarray(0, name.length).equals(name)) throw new NotOpened()
  return bound.subarray(name.length)
}
