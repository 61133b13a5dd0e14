import type { NodeInfo } from './node-info.ts'
import type { Refusal } from './scheduling-cycle.ts'

/** Nodes named on either side; a sentence is for people. */
export const MOST_TOLD = 5

export interface Decision {
  readonly node: NodeInfo
  readonly fitting: readonly NodeInfo[]
  /** Points of the fitting ones, at their places; undefined where there was only one. */
  readonly totals: ArrayLike<number> | undefined
  /** Some of those that it does not fit on. */
  readonly refused: readonly (readonly [node: NodeInfo, refusal: Refusal])[]
  readonly evaluated: number
}

/** Why a pod goes where it goes: `node-2: 274 points of 3 that fit (node-1 191, node-3 188); not node-4: had untolerated taint`. */
export function explainPlacement({ node, fitting, totals, refused, evaluated }: Decision): string {
  const no = refused.map(([{ name }, { sentences }]) => `${name}: ${typeof sentences === 'string' ? sentences : sentences.join(', ')}`)
  const unnamed = evaluated - fitting.length - refused.length
  const not = no.length === 0 ? '' : `; not ${no.join('; ')}${unnamed > 0 ? `, and ${unnamed} more` : ''}`
  if (totals === undefined) return `${node.name} is the only one of ${evaluated} that it fits on${not}`
  const points = (index: number) => Math.round(totals[index]!)
  const others: string[] = []
  let own = 0
  for (let index = 0; index < fitting.length; index++) {
    const each = fitting[index]!
    if (each === node) own = points(index)
    else if (others.length < MOST_TOLD) others.push(`${each.name} ${points(index)}`)
    if (others.length === MOST_TOLD && own > 0) break
  }
  return `${node.name}: ${own} points of ${fitting.length} that fit (${others.join(', ')})${not}`
}
