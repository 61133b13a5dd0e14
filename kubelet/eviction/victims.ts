import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { amountsOf, podRequests } from '../../shared/pods/resource-requests.ts'
import { formatQuantity, quantityFromValue } from '../../shared/quantity/quantity.ts'
import { isCriticalPod } from '../pods/pod-kinds.ts'
import type { Amount, Starved } from './signals.ts'
import type { Threshold } from './thresholds.ts'

/** A pod with what its containers use of what is short. */
export interface Candidate {
  pod: Pod
  /** By container; undefined: not measured. In bytes. */
  containers: ReadonlyMap<string, number> | undefined
  /** Of the pod beside its containers: its volumes. In bytes. */
  besides: number
}

/**
 * Upstream's order: who uses more than it asked for, then who matters less, then who is furthest above what it asked for. Where processes are
 * short only who matters less counts, because nobody asks for processes. Critical pods are spared.
 */
export function rankVictims(starved: Starved, candidates: readonly Candidate[]): Candidate[] {
  const judged = candidates
    .filter(({ pod }) => !isCriticalPod(pod) && pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed')
    .map((candidate) => ({ candidate, excess: excessOf(starved, candidate), priority: candidate.pod.spec.priority ?? 0 }))
  judged.sort(
    (one, other) => Number(other.excess > 0) - Number(one.excess > 0) || one.priority - other.priority || compare(other.excess, one.excess),
  )
  return judged.map(({ candidate }) => candidate)
}

/** Bytes above what the pod asked for. What could not be measured counts as the worst, as upstream has it. */
function excessOf(starved: Starved, { pod, containers, besides }: Candidate): number {
  if (starved === 'pids') return 0
  if (!containers) return Number.POSITIVE_INFINITY
  const used = [...containers.values()].reduce((sum, bytes) => sum + bytes, besides)
  return used - (podRequests(pod.spec).get(starved) ?? 0)
}

function compare(one: number, other: number): number {
  return one === other ? 0 : one - other
}

/** The end of a victim in upstream's words: what was short, by how much, and which of its containers used more than they asked for. */
export function evictionMessage(starved: Starved, { pod, containers }: Candidate, { limit }: Threshold, amount: Amount): string {
  const isBytes = starved === 'memory' || starved === 'ephemeral-storage'
  const quantity = (value: number) => (isBytes ? formatQuantity(quantityFromValue(value - (value % 1024), 'BinarySI')) : String(value))
  let message = `The node was low on resource: ${starved}. `
  const wanted = limit.text.endsWith('%') ? quantity(limit.of(amount.capacity)) : limit.text
  message += `Threshold quantity: ${wanted}, available: ${quantity(amount.available)}. `
  if (!isBytes) return message
  for (const { name, resources } of pod.spec.containers) {
    const used = containers?.get(name) ?? 0
    const request = amountsOf({ ...resources.limits, ...resources.requests }).get(starved) ?? 0
    if (used <= request) continue
    const asked = request === 0 ? '0' : formatQuantity(quantityFromValue(request, 'BinarySI'))
    message += `Container ${name} was using ${quantity(used)}, request is ${asked}, has larger consumption of ${starved}. `
  }
  return message
}
