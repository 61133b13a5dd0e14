import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { familyOf } from '../../shared/addresses/ip-families.ts'
import { packetWords } from '../../shared/addresses/packet-words.ts'

/** One plugin of a list; fields beyond these are the plugin's own and passed through. */
export interface CniPlugin {
  type: string
  capabilities?: Record<string, boolean> | undefined
  [field: string]: unknown
}

/** A CNI network configuration list. */
export interface CniNetwork {
  cniVersion: string
  name: string
  plugins: CniPlugin[]
}

export interface DefaultNetworkOptions {
  /** The node's pod ranges, one a family, e.g. `10.244.1.0/24`: a pod gets an address of each. */
  podRanges: readonly string[]
  mtu: number
  /** Where host-local keeps which address is whose. On tmpfs, so that it is empty exactly when the namespaces are gone. */
  ipamDir: string
}

/**
 * The network when nobody configured another: `ptp` (every pod packet is routed, so Services work between pods of one node without
 * `br_netfilter`), addresses by host-local, hostPorts by portmap.
 */
export function defaultNetwork(options: DefaultNetworkOptions): CniNetwork {
  const { podRanges, mtu, ipamDir } = options
  const routes = podRanges.map((range) => ({ dst: packetWords(familyOf(range)).everywhere }))
  const ranges = podRanges.map((subnet) => [{ subnet }])
  return {
    cniVersion: '0.4.0',
    name: 'coxswain',
    plugins: [
      {
        type: 'ptp',
        // Masquerading towards the outside is kube-proxy's.
        ipMasq: false,
        mtu,
        ipam: { type: 'host-local', ranges, routes, dataDir: ipamDir },
      },
      { type: 'portmap', capabilities: { portMappings: true }, snat: true },
    ],
  }
}

/** Its name among those of others: whoever sorts before it is chosen instead. */
const OWN_FILE = '10-coxswain.conflist'

/**
 * Puts the network where a runtime that calls CNI by itself looks for one, unless somebody else has put another there. Replaced whole, so
 * that nobody reads half of it.
 * @returns whether the file was written
 */
export async function offerNetwork(folder: string, network: CniNetwork): Promise<boolean> {
  const names = await configurationsIn(folder)
  if (names.some((name) => name !== OWN_FILE)) return false
  const path = join(folder, OWN_FILE)
  const text = `${JSON.stringify(network, undefined, 2)}\n`
  if (names.length > 0 && (await readFile(path, 'utf8')) === text) return false
  await mkdir(folder, { recursive: true, mode: 0o755 })
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
  return true
}

/**
 * The first configuration in the folder by name (`*.conflist`, or a single plugin in `*.conf`, `*.json`), as every CNI runtime
 * chooses; undefined when the folder has none.
 */
export async function configuredNetwork(folder: string): Promise<CniNetwork | undefined> {
  const [first] = await configurationsIn(folder)
  if (first === undefined) return undefined
  const path = join(folder, first)
  try {
    return parseNetwork(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw new Error(`the network configuration ${path} cannot be used: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

async function configurationsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => /\.(conflist|conf|json)$/.test(name)).sort()
}

/** Reads a list, or a single plugin as a list of one. */
export function parseNetwork(value: unknown): CniNetwork {
  if (!isRecord(value)) throw new Error('not a JSON object')
  const { cniVersion = '0.1.0', name } = value
  if (typeof cniVersion !== 'string' || typeof name !== 'string') throw new Error('cniVersion and name must be texts')
  const plugins = Array.isArray(value['plugins']) ? value['plugins'] : [value]
  if (plugins.length === 0) throw new Error('plugins is empty')
  return { cniVersion, name, plugins: plugins.map(parsePlugin) }
}

function parsePlugin(value: unknown): CniPlugin {
  if (!isRecord(value) || typeof value['type'] !== 'string') throw new Error('a plugin has no type')
  const { type, capabilities } = value
  if (!/^[\w.-]+$/.test(type)) throw new Error(`${JSON.stringify(type)} is no plugin name`)
  if (capabilities !== undefined && !isRecord(capabilities)) throw new Error(`capabilities of ${type} must be an object`)
  const wanted = Object.fromEntries(Object.entries(capabilities ?? {}).map(([key, on]) => [key, on === true]))
  return { ...value, type, capabilities: wanted }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
