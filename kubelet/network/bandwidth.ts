import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { parseQuantity, quantityValue } from '../../shared/quantity/quantity.ts'
import { annotationOf } from '../pods/pod-kinds.ts'
import { CniError } from './cni-plugin.ts'
import type { Bandwidth } from './pod-network.ts'

const INGRESS = 'kubernetes.io/ingress-bandwidth'
const EGRESS = 'kubernetes.io/egress-bandwidth'

/** Bits a second; upstream's bounds. */
const [LEAST, MOST] = [1_000, 1e15]
/** What may pass at once: this long at full rate, and at least what the kernel hands over in one piece. */
const BURST_SECONDS = 0.05
const LEAST_BURST_BYTES = 65_536
/** Packets that would wait longer are dropped, and senders go slower. */
const LONGEST_WAIT = '50ms'

/** Pure: what the pod's annotations allow it; undefined where they say nothing. @throws Error for one that is no rate */
export function bandwidthOf({ metadata }: Pod): Bandwidth | undefined {
  const ingress = rateOf(INGRESS, annotationOf(metadata, INGRESS))
  const egress = rateOf(EGRESS, annotationOf(metadata, EGRESS))
  if (ingress === undefined && egress === undefined) return undefined
  return { ...(ingress === undefined ? {} : { ingress }), ...(egress === undefined ? {} : { egress }) }
}

function rateOf(annotation: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const refuse = (why: string, cause?: unknown) =>
    new Error(`annotation ${annotation}: ${JSON.stringify(text)} ${why}; write bits per second, such as 10M`, { cause })
  let rate: number
  try {
    rate = quantityValue(parseQuantity(text))
  } catch (error) {
    throw refuse('is no quantity', error)
  }
  if (rate < LEAST) throw refuse('is less than 1k')
  if (rate > MOST) throw refuse('is more than 1P')
  return rate
}

/** Runs a program of the machine and answers what it printed. */
export type RunTool = (program: string, args: readonly string[], signal: AbortSignal) => Promise<string>

export const runTool: RunTool = async (program, args, signal) => {
  const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`
  return (await promisify(execFile)(program, [...args], { env: { ...process.env, PATH: path }, signal })).stdout
}

/**
 * Bounds what a connected sandbox sends and gets, by a token bucket (`tbf`) at each end of its cable: what it sends waits at its own end, what it
 * gets at the node's. Both go with the cable. @throws CniError that says what the machine lacks
 */
export async function limitBandwidth(
  { ingress, egress }: Bandwidth,
  { netns, name }: { netns: string; name: string },
  run: RunTool,
  signal: AbortSignal,
): Promise<void> {
  const inside = [`--net=${netns}`, '--']
  const bucket = (device: string, rate: number) => {
    const burst = Math.max(LEAST_BURST_BYTES, Math.ceil((rate / 8) * BURST_SECONDS))
    const how = ['rate', `${rate}bit`, 'burst', String(burst), 'latency', LONGEST_WAIT]
    return ['qdisc', 'replace', 'dev', device, 'root', 'tbf', ...how]
  }
  try {
    if (egress !== undefined) await run('nsenter', [...inside, 'tc', ...bucket(name, egress)], signal)
    if (ingress === undefined) return
    const [own] = links(await run('nsenter', [...inside, 'ip', '-j', 'link', 'show', 'dev', name], signal))
    const peer = links(await run('ip', ['-j', 'link', 'show'], signal)).find(({ ifindex }) => ifindex === own?.['link_index'])
    if (typeof peer?.['ifname'] !== 'string') throw new Error(`${name} of the pod has no other end on this node`)
    await run('tc', bucket(peer['ifname'], ingress), signal)
  } catch (error) {
    if (signal.aborted) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new CniError(
      `this node cannot keep the pod to its bandwidth (the kernel's sch_tbf and the programs tc and nsenter are needed); remove ${INGRESS} and ${EGRESS} to run it without: ${why}`,
      undefined,
      { cause: error },
    )
  }
}

function links(text: string): Record<string, unknown>[] {
  const parsed: unknown = JSON.parse(text || '[]')
  return Array.isArray(parsed) ? parsed.filter((each) => typeof each === 'object' && each !== null) : []
}
