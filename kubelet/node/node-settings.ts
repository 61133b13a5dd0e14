import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Taint } from '../../shared/openapi/generated/core-v1.ts'
import { ConfigError } from '../../shared/process/config.ts'
import { parseQuantity, quantityMilliValue, quantityValue } from '../../shared/quantity/quantity.ts'
import { neverGiven, type ThresholdTexts, thresholdsOf } from '../eviction/thresholds.ts'
import type { Capacity } from './capacity.ts'
import type { Reserved } from './node-report.ts'

/** `name=value` texts as a record. @throws ConfigError naming the flag */
export function pairsOf(flag: string, texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text) => {
    const at = text.indexOf('=')
    if (at <= 0) throw new ConfigError(`--${flag}: ${JSON.stringify(text)} is not name=value`)
    return [text.slice(0, at), text.slice(at + 1)] as const
  })
  return Object.fromEntries(pairs)
}

/** `name:value` texts as headers of a request. @throws ConfigError naming the flag */
export function headersOf(flag: string, texts: readonly string[]): Record<string, string> {
  const headers = texts.map((text) => {
    const at = text.indexOf(':')
    if (at <= 0) throw new ConfigError(`--${flag}: ${JSON.stringify(text)} is not name:value`)
    return [text.slice(0, at).trim(), text.slice(at + 1).trim()] as const
  })
  return Object.fromEntries(headers)
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** `key[=value]:Effect` texts as taints. @throws ConfigError */
export function taintsOf(texts: readonly string[]): Taint[] {
  return texts.map((text) => {
    const match = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text)
    const [, key, value, effect] = match ?? []
    if (!key || !effect || !EFFECTS.includes(effect)) {
      throw new ConfigError(`--register-with-taints: ${JSON.stringify(text)} is not key=value:${EFFECTS.join('|')}`)
    }
    return { key, effect, ...(value ? { value } : {}) }
  })
}

/** What is kept back from pods, for the system and for the kubelet together. @throws ConfigError */
export function reservedOf(settings: { systemReserved: readonly string[]; kubeReserved: readonly string[] }): Reserved {
  const [system, kube] = [
    amountsReserved('system-reserved', settings.systemReserved),
    amountsReserved('kube-reserved', settings.kubeReserved),
  ]
  return {
    cpuMillis: system.cpuMillis + kube.cpuMillis,
    memoryBytes: system.memoryBytes + kube.memoryBytes,
    storageBytes: system.storageBytes + kube.storageBytes,
    ...(system.pids === undefined && kube.pids === undefined ? {} : { pids: (system.pids ?? 0) + (kube.pids ?? 0) }),
  }
}

/** What of the machine is not for pods: what is kept back, and what they would be evicted for. @throws ConfigError */
export function keptBackOf(settings: ThresholdTexts & Parameters<typeof reservedOf>[0]): (capacity: Capacity) => Reserved {
  const [reserved, thresholds] = [reservedOf(settings), thresholdsOf(settings)]
  return (capacity) => {
    const { memoryBytes, storageBytes } = neverGiven(thresholds, capacity)
    return { ...reserved, memoryBytes: reserved.memoryBytes + memoryBytes, storageBytes: reserved.storageBytes + storageBytes }
  }
}

/** @throws ConfigError naming the flag */
export function amountsReserved(flag: string, texts: readonly string[]): Reserved {
  const reserved: Reserved = { cpuMillis: 0, memoryBytes: 0, storageBytes: 0 }
  for (const [name, amount] of Object.entries(pairsOf(flag, texts))) {
    try {
      const quantity = parseQuantity(amount)
      if (name === 'cpu') reserved.cpuMillis = quantityMilliValue(quantity)
      else if (name === 'memory') reserved.memoryBytes = quantityValue(quantity)
      else if (name === 'ephemeral-storage') reserved.storageBytes = quantityValue(quantity)
      else if (name === 'pid') reserved.pids = quantityValue(quantity)
      else throw new Error(`${JSON.stringify(name)} is none of cpu, memory, ephemeral-storage, pid`)
    } catch (error) {
      throw new ConfigError(`--${flag}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return reserved
}

/** The address under which others reach this machine, as far as it can be known without asking anybody. @throws ConfigError */
export function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)
  if (!found) throw new ConfigError('--node-ip is needed: this machine has no address but loopback')
  return found.address
}

const USUAL_MTU = 1500

/** The packet size of the interface that leads out. */
export async function ownMtu(treeRoot = '/'): Promise<number> {
  const read = (path: string) => readFile(join(treeRoot, path), 'utf8').catch(() => '')
  const routes = (await read('proc/net/route')).split('\n').map((line) => line.split('\t'))
  const name = routes.find(([, destination]) => destination === '00000000')?.[0]
  const mtu = name === undefined ? Number.NaN : Number.parseInt(await read(`sys/class/net/${name}/mtu`), 10)
  return Number.isInteger(mtu) ? mtu : USUAL_MTU
}

/** What keeps pods away until the cloud controller manager has said what the machine is; that takes it off. */
const UNINITIALIZED: Taint = { key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' }

/** The taints that a new node begins with. @throws ConfigError */
export function registrationTaints(settings: { registerWithTaints: readonly string[]; cloudProvider: string }): Taint[] {
  const own = taintsOf(settings.registerWithTaints)
  return settings.cloudProvider === 'external' ? [...own.filter(({ key }) => key !== UNINITIALIZED.key), UNINITIALIZED] : own
}
