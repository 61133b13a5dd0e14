import { readKeySet } from '../../../apiserver/authn/oidc/key-set.ts'
import { parseJson } from '../../../apiserver/http/body.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import { providerKey } from '../../harness/oidc-provider.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const keys = [providerKey('a'), providerKey('b', 'ES256')].map((key) => key.publicJwk)

/** What identity providers publish as their keys: read, passed over, or refused as no set. */
const target: FuzzTarget = {
  seeds: [JSON.stringify({ keys }), ...keys.map((key) => JSON.stringify({ keys: [key] })), '{"keys":[]}', '{"keys":{}}'],
  words: [
    '"kty":',
    '"RSA"',
    '"EC"',
    '"oct"',
    '"crv":',
    '"P-256"',
    '"P-384"',
    '"P-521"',
    '"n":',
    '"e":',
    '"x":',
    '"y":',
    '"alg":',
    '"ES512"',
    '"AQAB"',
  ],
  run(input) {
    const { value } = parseJson(input)
    if (typeof value !== 'object' || value === null) return
    for (const { key } of readKeySet(Object.fromEntries(Object.entries(value)))) {
      if (key.type !== 'public') throw new TypeError('a key that is not public')
    }
  },
  isExpected: (error) => error instanceof StatusError || (error instanceof Error && error.message === 'the key set has no list of keys'),
}
export default target
