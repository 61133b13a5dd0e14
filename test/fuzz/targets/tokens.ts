import { generateKeyPairSync } from 'node:crypto'
import { bearerTokenOf } from '../../../apiserver/authn/bearer-token.ts'
import { parseWebToken, signWebToken } from '../../../apiserver/authn/json-web-token.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const token = await signWebToken(
  { iss: 'a', sub: 'system:serviceaccount:a:b', aud: ['c'], exp: 2 ** 40 },
  { id: 'k', algorithm: 'ES256', key: privateKey },
)
const verifying = { id: 'k', algorithm: 'ES256', key: publicKey } as const

/** Bearer tokens: only the one that was signed, in its one spelling, is good. */
const target: FuzzTarget = {
  seeds: [token, `Bearer ${token}`, 'e30.e30.e30', 'eyJhbGciOiJub25lIn0.e30.AA'],
  words: [
    '.',
    '=',
    '-',
    '_',
    '+',
    '/',
    'Bearer ',
    'bearer',
    'base64url.bearer.authorization.k8s.io.',
    ',',
    ' ',
    'e30',
    'eyJhbGciOiJub25lIn0',
  ],
  async run(input) {
    const text = input.toString('latin1')
    bearerTokenOf({ headers: { authorization: text, 'sec-websocket-protocol': text } } as never)
    const parsed = await parseWebToken(text)
    if (parsed && (await parsed.isSignedBy(verifying)) && text !== token) throw new Error('a token that nobody signed is good')
  },
  isExpected: () => false,
}
export default target
