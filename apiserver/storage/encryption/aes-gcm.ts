import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { NotOpened, type ValueCipher } from './value-cipher.ts'

const NONCE = 12
const TAG = 16

/** Provider `aesgcm`: nonce, ciphertext, tag; the storage key is authenticated with them. Keys of 16, 24 or 32 bytes. */
export function aesGcm(key: Buffer): ValueCipher {
  const algorithm = algorithmFor(key)
  return {
    seal(storageKey, plain) {
      const nonce = randomBytes(NONCE)
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(storageKey))
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open(storageKey, sealed) {
      if (sealed.length < NONCE + TAG) throw new NotOpened()
      const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, NONCE), { authTagLength: TAG })
      decipher.setAAD(Buffer.from(storageKey)).setAuthTag(sealed.subarray(-TAG))
      const plain = decipher.update(sealed.subarray(NONCE, -TAG))
      try {
        decipher.final()
      } catch {
        throw new NotOpened()
      }
      return plain
    },
  }
}

function algorithmFor({ length }: Buffer): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' {
  if (length === 16) return 'aes-128-gcm'
  return length === 24 ? 'aes-192-gcm' : 'aes-256-gcm'
}
