import { randomBytes } from 'node:crypto'
import nacl from 'tweetnacl'
import { bind, NotOpened, unbind, type ValueCipher } from './value-cipher.ts'

const NONCE = 24

/** Provider `secretbox`: nonce, then XSalsa20 and Poly1305 as NaCl's secretbox. Keys of 32 bytes. */
export function secretbox(key: Buffer): ValueCipher {
  return {
    seal(storageKey, plain) {
      const nonce = randomBytes(NONCE)
      return Buffer.concat([nonce, nacl.secretbox(bind(storageKey, plain), nonce, key)])
    },
    open(storageKey, sealed) {
      if (sealed.length < NONCE + nacl.secretbox.overheadLength) throw new NotOpened()
      const bound = nacl.secretbox.open(sealed.subarray(NONCE), sealed.subarray(0, NONCE), key)
      if (!bound) throw new NotOpened()
      return unbind(storageKey, Buffer.from(bound.buffer, bound.byteOffset, bound.byteLength))
    },
  }
}
