import { readFileIfPresent, writeFileAtomically } from '../../../shared/certificates/atomic-file.ts'
import { CannotGoOn } from '../../step.ts'
import { places } from './places.ts'

/** The server's machine or a node's. */
export type MachineRole = 'server' | 'node'

/** Ranges and names that every machine of a cluster must agree on. */
export interface ClusterRanges {
  readonly clusterCidr: string
  readonly serviceCidr: string
  readonly clusterDns: string
  readonly clusterDomain: string
}

/** How the cluster is reached from outside. */
export interface Doors {
  /** Where Ingresses are served, on the server. */
  readonly httpPort: number
  readonly httpsPort: number
  /** Addresses of the machines' link for Services of type LoadBalancer: ranges, as `--load-balancer-pool` of the cloud controller manager. */
  readonly pool: readonly string[]
}

export const DEFAULT_DOORS: Doors = { httpPort: 80, httpsPort: 443, pool: [] }

/** What this machine is to its cluster, and what it was before: `/etc/coxswain/machine.json`. */
export interface MachineRecord {
  readonly role: MachineRole
  /** Of the API server, `https://…`. */
  readonly server: string
  /** Nodes only. */
  readonly nodeName: string
  /** Where others reach this machine; empty: found anew at each start (a node whose address may change). */
  readonly address: string
  readonly port: number
  readonly extraNames: readonly string[]
  /** The server's, for what is reached from outside; a server of an earlier release has none. */
  readonly doors?: Doors
  readonly ranges: ClusterRanges
  /** `net.ipv4.ip_forward` as it was before. */
  readonly forwardingBefore: string
  /** Images that were brought here for the cluster itself. */
  readonly imagesBrought: readonly string[]
}

const file = `${places.config}/machine.json`

/** What `server` or `join` wrote here; undefined on a machine that belongs to no cluster. @throws CannotGoOn when it cannot be read */
export function readMachine(): MachineRecord | undefined {
  const text = readFileIfPresent(file)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new CannotGoOn(`${file} is damaged`, 'coxswain-lab uninstall, then server or join again')
}

/** @throws CannotGoOn on a machine that belongs to no cluster */
export function requireMachine(role?: MachineRole): MachineRecord {
  const record = readMachine()
  if (!record) throw new CannotGoOn('this machine belongs to no cluster', 'coxswain-lab server, or coxswain-lab join')
  if (role !== undefined && record.role !== role) {
    const cure = role === 'server' ? `run it on the server (${new URL(record.server).hostname})` : 'run it on a node'
    throw new CannotGoOn(`this machine is a ${record.role}; the command is for a ${role}`, cure)
  }
  return record
}

export function writeMachine(record: MachineRecord): void {
  writeFileAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`, { durable: true })
}

function isRecord(value: unknown): value is MachineRecord {
  const isObject = (one: unknown): one is Record<string, unknown> => typeof one === 'object' && one !== null
  if (!isObject(value) || !(value['doors'] === undefined || isDoors(value['doors']))) return false
  return (value['role'] === 'server' || value['role'] === 'node') && isRanges(value['ranges']) && hasTexts(value)
}

function hasTexts(value: Record<string, unknown>): boolean {
  const texts = ['server', 'nodeName', 'address', 'forwardingBefore'].every((name) => typeof value[name] === 'string')
  return texts && typeof value['port'] === 'number' && Array.isArray(value['imagesBrought']) && Array.isArray(value['extraNames'])
}

function isDoors(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const known = new Map<string, unknown>(Object.entries(value))
  return ['httpPort', 'httpsPort'].every((name) => typeof known.get(name) === 'number') && Array.isArray(known.get('pool'))
}

/** Whether a stranger's value has every range as text. */
export function isRanges(value: unknown): value is ClusterRanges {
  if (typeof value !== 'object' || value === null) return false
  const known = new Map<string, unknown>(Object.entries(value))
  return ['clusterCidr', 'serviceCidr', 'clusterDns', 'clusterDomain'].every((name) => typeof known.get(name) === 'string')
}
