import { bytes, fn, type Overload, string } from '../define.ts'
import { traversal } from '../meter.ts'
import { bytesType, stringType } from '../type.ts'
import { CelError } from '../value.ts'

const costs = {
  cost: ([size]: readonly number[]) => Math.max(1, traversal(size!)),
  size: ([size]: readonly number[]) => Math.ceil(size! * 1.4) + 4,
}

/** Base64 of RFC 4648; the padding may be missing. */
export const encoders: readonly Overload[] = [
  fn('base64.encode', [bytes], stringType, ([value]) => Buffer.from(value).toString('base64'), costs),
  fn(
    'base64.decode',
    [string],
    bytesType,
    ([text]) => (/^[A-Za-z0-9+/]*={0,2}$/.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : new CelError('illegal base64 data')),
    costs,
  ),
]
