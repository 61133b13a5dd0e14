import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { NamedKey, ProviderChoice } from '../../apiserver/storage/encryption/encryption-configuration.ts'
import { providersOf } from '../../apiserver/storage/encryption/providers-of.ts'
import { ResourceChains } from '../../apiserver/storage/encryption/resource-chains.ts'

/** Providers by resource, in the order of the rules. */
type Rules = Readonly<Record<string, readonly ProviderChoice[]>> | readonly (readonly [string, readonly ProviderChoice[]])[]

/** A key of a name; another `from` makes another one of the same name. */
export function keyNamed(name: string, from = name, bytes = 32): Required<NamedKey> {
  return { name, secret: createHash('sha256').update(from).digest().subarray(0, bytes).toString('base64') }
}

/** An EncryptionConfiguration with one rule a resource. */
export function encryptionConfiguration(rules: Rules) {
  const pairs: readonly (readonly [string, readonly ProviderChoice[]])[] = Symbol.iterator in rules ? rules : Object.entries(rules)
  return {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: pairs.map(([resource, providers]) => ({ resources: [resource], providers })),
  }
}

export function writeEncryptionConfiguration(path: string, rules: Rules): void {
  writeFileSync(path, JSON.stringify(encryptionConfiguration(rules)))
}

export async function encryptionOf(rules: Rules): Promise<ResourceChains> {
  return new ResourceChains(await providersOf(encryptionConfiguration(rules)))
}
