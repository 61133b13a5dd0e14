import type { EncryptionConfiguration, ProviderChoice } from './encryption-configuration.ts'
import { keyBytes, keyedProviders } from './encryption-problems.ts'
import { keysOf, parseGroupResource } from './group-resource.ts'
import type { Provider } from './provider-chain.ts'
import type { ProvidersByPrefix } from './resource-chains.ts'
import type { ValueCipher } from './value-cipher.ts'

type MakeCipher = (key: Buffer) => ValueCipher

/** What a configuration without problems comes to. A resource that stands in several rules has the providers of all of them, in their order. */
export async function providersOf({ resources: rules = [] }: EncryptionConfiguration): Promise<ProvidersByPrefix> {
  const found = new Map<string, Provider[]>()
  for (const { resources = [], providers = [] } of rules) {
    const chain: Provider[] = []
    for (const provider of providers) chain.push(...(await keysOfProvider(provider)))
    for (const name of resources) {
      const prefix = keysOf(parseGroupResource(name))
      found.set(prefix, [...(found.get(prefix) ?? []), ...chain])
    }
  }
  return found
}

async function keysOfProvider(provider: ProviderChoice): Promise<Provider[]> {
  const made: Provider[] = []
  for (const kind of keyedProviders) {
    const keys = provider[kind]?.keys ?? []
    const make = keys.length === 0 ? undefined : await cipherOf(kind)
    for (const { name = '', secret = '' } of keys) {
      const key = keyBytes(secret)
      if (make === undefined || key === undefined) throw new TypeError(`the key ${JSON.stringify(name)} was not checked`)
      made.push({ prefix: Buffer.from(`k8s:enc:${kind}:v1:${name}:`), cipher: make(key) })
    }
  }
  return provider.identity ? [...made, 'identity'] : made
}

/** Loaded when a file asks for it: most clusters have none. */
async function cipherOf(kind: (typeof keyedProviders)[number]): Promise<MakeCipher> {
  if (kind === 'aesgcm') return (await import('./aes-gcm.ts')).aesGcm
  if (kind === 'aescbc') return (await import('./aes-cbc.ts')).aesCbc
  return (await import('./secretbox.ts')).secretbox
}
