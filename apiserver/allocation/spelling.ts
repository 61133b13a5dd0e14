import { canonicalAddress } from '../../shared/addresses/ip-address.ts'

/** Two texts of one spelling are one name, or one address. */
export function spelling(text: string): string {
  return canonicalAddress(text) ?? text.toLowerCase().replace(/\.$/, '')
}
