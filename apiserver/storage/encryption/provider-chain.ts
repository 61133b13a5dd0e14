import { NotOpened, type ValueCipher } from './value-cipher.ts'
import { ENCRYPTED, type StoredForm } from './value-transformer.ts'

/** One key of a provider, or the provider `identity`, which leaves values as they are. */
export type Provider = { readonly prefix: Buffer; readonly cipher: ValueCipher } | 'identity'

/** Characters of what a stored value begins with that an error repeats. */
const MARKER_CHARACTERS = 80

/** The providers of a resource: the first one writes, all of them read. */
export class ProviderChain {
  readonly #providers: readonly Provider[]

  constructor(providers: readonly Provider[]) {
    this.#providers = providers
  }

  seal(key: string, plain: Buffer): Buffer {
    const first = this.#providers[0]
    if (first === undefined || first === 'identity') return plain
    return Buffer.concat([first.prefix, first.cipher.seal(key, plain)])
  }

  /** @throws Error that says why no provider opens it */
  open(key: string, stored: Buffer): Buffer {
    const able = this.#able(stored)
    if (able.length === 0) throw new Error(`no matching prefix found: ${reasonFor(stored)}`)
    let failure: NotOpened | undefined
    for (const provider of able) {
      if (provider === 'identity') return stored
      try {
        return provider.cipher.open(key, stored.subarray(provider.prefix.length))
      } catch (error) {
        if (!(error instanceof NotOpened)) throw error
        failure = error
      }
    }
    const sentence = `what begins with ${markerOf(stored)} does not open: its key is another one, or it was changed, cut, or written for another object`
    throw new Error(sentence, { cause: failure })
  }

  formOf(stored: Buffer): StoredForm {
    const [able] = this.#able(stored)
    if (able === undefined) return 'unopened'
    return able === this.#providers[0] ? 'newest' : 'older'
  }

  #able(stored: Buffer): Provider[] {
    const isEncrypted = beginsWith(stored, ENCRYPTED)
    return this.#providers.filter((provider) => (provider === 'identity' ? !isEncrypted : beginsWith(stored, provider.prefix)))
  }
}

function beginsWith(bytes: Buffer, prefix: Buffer): boolean {
  // Nearly every value is plain and is told by its first byte.
  return bytes[0] === prefix[0] && bytes.subarray(0, prefix.length).equals(prefix)
}

function reasonFor(stored: Buffer): string {
  if (beginsWith(stored, ENCRYPTED)) return `it begins with ${markerOf(stored)}, and no provider of its resource has that key`
  return 'it is not encrypted, and the providers of its resource do not include identity'
}

/** `k8s:enc:aesgcm:v1:key1:`, as far as it can be told from what follows. */
function markerOf(stored: Buffer): string {
  const text = stored.subarray(0, MARKER_CHARACTERS).toString('latin1')
  return JSON.stringify(/^k8s:enc:[a-z]*:?(?:v\d+:)?(?:[\x20-\x39\x3b-\x7e]*:)?/.exec(text)?.[0] ?? '')
}
