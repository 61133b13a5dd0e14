import { ResourceChains } from '../../../apiserver/storage/encryption/resource-chains.ts'
import { UnreadableValue } from '../../../apiserver/storage/encryption/unreadable-value.ts'
import { encryptionOf, keyNamed } from '../../harness/encryption.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const KEY = 'core/secrets/default/a'
const kinds = ['aesgcm', 'aescbc', 'secretbox'] as const
const providers = kinds.map((kind) => ({ [kind]: { keys: [keyNamed('a'), keyNamed('b')] } }))
const [all, none] = [await encryptionOf({ secrets: [...providers, { identity: {} }] }), new ResourceChains()]
const value = Buffer.from('{"kind":"Secret"}')
const seeds = await Promise.all(providers.map(async (provider) => (await encryptionOf({ secrets: [provider] })).toStorage(KEY, value)))

/** Values as they lie on a medium that others can write to: opened whole, or refused; what is authenticated is never opened changed. */
const target: FuzzTarget = {
  seeds: [...seeds, value, 'k8s:enc:kms:v2:x:'],
  words: ['k8s:enc:', ...kinds.map((kind) => `${kind}:v1:`), 'a:', 'b:', '\0', KEY, Buffer.alloc(16, 16)],
  run(input) {
    const refusals = [all, none].filter((chains) => {
      chains.formOf(KEY, input)
      try {
        const opened = chains.fromStorage(KEY, input)
        if (opened !== input && !opened.equals(value) && !input.includes('aescbc')) throw new Error('a changed value was opened')
        return false
      } catch (error) {
        if (!(error instanceof UnreadableValue)) throw error
        return true
      }
    })
    if (refusals.length === 2) throw new Error('refused')
  },
  isExpected: (error) => error instanceof Error && error.message === 'refused',
}
export default target
