import { packetWords } from '../../shared/addresses/packet-words.ts'
import { CommandError } from '../command.ts'
import type { RulesetSettings } from './ruleset.ts'
import type { RunNft } from './run-nft.ts'

/**
 * Who is led where by session affinity, as the kernel remembers it now: elements in nft's grammar. A proxy that starts anew makes the table anew;
 * clients must not notice. Nothing where there is no table yet.
 */
export async function rememberedClients(
  { table, family }: Pick<RulesetSettings, 'table' | 'family'>,
  nft: RunNft,
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let listed: unknown
  try {
    listed = JSON.parse((await nft(['-j', 'list', 'map', packetWords(family).header, table, 'affinity'])) || '{}')
  } catch (error) {
    if (error instanceof CommandError) return found
    throw error
  }
  for (const entry of listOf(listed, 'nftables')) {
    for (const element of listOf(fieldOf(entry, 'map'), 'elem')) {
      const [key, slot] = Array.isArray(element) ? element : []
      const { client, timeout, expires } = partsOf(key)
      if (client === undefined || typeof slot !== 'string' || !(Number(timeout) > 0) || !(Number(expires) > 0)) continue
      found.set(`${client} timeout ${Number(timeout)}s expires ${Number(expires)}s`, slot)
    }
  }
  return found
}

function partsOf(key: unknown) {
  const element = fieldOf(key, 'elem')
  const value = fieldOf(element, 'val')
  const concat = listOf(value, 'concat')
  const client = concat.length === 4 ? concat.join(' . ') : typeof value === 'string' ? value : undefined
  return { client, timeout: fieldOf(element, 'timeout'), expires: fieldOf(element, 'expires') }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
}

function listOf(value: unknown, name: string): unknown[] {
  const list = fieldOf(value, name)
  return Array.isArray(list) ? list : []
}
