import { resourcePrefix } from '../keys.ts'
import { type Provider, ProviderChain } from './provider-chain.ts'
import { UnreadableValue } from './unreadable-value.ts'
import type { StoredForm, ValueTransformer } from './value-transformer.ts'

/**
 * Providers by resource, by how its keys begin: `core/secrets/` for one, `core/` for all of a group, the empty text for all there are.
 * What is named nowhere is not encrypted.
 */
export type ProvidersByPrefix = ReadonlyMap<string, readonly Provider[]>

/** Encryption as a configuration asks for it. Another one can take its place at any time. */
export class ResourceChains implements ValueTransformer {
  static readonly #plain = new ProviderChain(['identity'])
  #chains: ReadonlyMap<string, ProviderChain>

  constructor(providers: ProvidersByPrefix = new Map()) {
    this.#chains = chainsOf(providers)
  }

  /** What is written from now on, and what is read, follows these providers. Answers how to go back. */
  use(providers: ProvidersByPrefix): () => void {
    const before = this.#chains
    this.#chains = chainsOf(providers)
    return () => {
      this.#chains = before
    }
  }

  toStorage(key: string, plain: Buffer): Buffer {
    return this.#chainOf(key).seal(key, plain)
  }

  fromStorage(key: string, stored: Buffer): Buffer {
    try {
      return this.#chainOf(key).open(key, stored)
    } catch (cause) {
      throw new UnreadableValue(key, cause)
    }
  }

  formOf(key: string, stored: Buffer): StoredForm {
    return this.#chainOf(key).formOf(stored)
  }

  /** The one that says most wins, as upstream: the resource before its group before everything. */
  #chainOf(key: string): ProviderChain {
    if (this.#chains.size === 0) return ResourceChains.#plain
    const resource = resourcePrefix(key)
    const group = resource.slice(0, resource.indexOf('/') + 1)
    return this.#chains.get(resource) ?? this.#chains.get(group) ?? this.#chains.get('') ?? ResourceChains.#plain
  }
}

function chainsOf(providers: ProvidersByPrefix): ReadonlyMap<string, ProviderChain> {
  return new Map([...providers].map(([prefix, chain]) => [prefix, new ProviderChain(chain)]))
}
