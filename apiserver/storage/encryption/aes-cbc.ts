import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { bind, NotOpened, unbind, type ValueCipher } from './value-cipher.ts'

const BLOCK = 16

/**
 * Provider `aescbc`: initialisation vector, ciphertext with PKCS #7 padding. Keys of 16, 24 or 32 bytes. CBC proves nothing about who wrote the
 * bytes: a value in the place of another is noticed, because the storage key is in it, and one whose later bytes were changed may not be.
 */
export function aesCbc(key: Buffer): ValueCipher {
  const algorithm = `aes-${key.length * 8}-cbc`
  return {
    seal(storageKey, plain) {
      const vector = randomBytes(BLOCK)
      const cipher = createCipheriv(algorithm, key, vector)
      return Buffer.concat([vector, cipher.update(bind(storageKey, plain)), cipher.final()])
    },
    open(storageKey, sealed) {
      if (sealed.length < 2 * BLOCK || sealed.length % BLOCK !== 0) throw new NotOpened()
      const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, BLOCK))
      let bound: Buffer
      try {
        bound = Buffer.concat([decipher.update(sealed.subarray(BLOCK)), decipher.final()])
      } catch {
        throw new NotOpened()
      }
      return unbind(storageKey, bound)
    },
  }
}
