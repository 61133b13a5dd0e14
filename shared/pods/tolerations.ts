import type { Taint, Toleration } from '../openapi/generated/core-v1.ts'

/** Whether one toleration accepts one taint (core/v1 Toleration.ToleratesTaint; Lt and Gt are KEP-5471's numeric operators). */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  switch (toleration.operator) {
    case 'Exists':
      return true
    case undefined:
    case '':
    case 'Equal':
      return Boolean(toleration.key) && (toleration.value ?? '') === (taint.value ?? '')
    case 'Lt':
      return compareNumeric(taint.value, toleration.value, (left, right) => left < right)
    case 'Gt':
      return compareNumeric(taint.value, toleration.value, (left, right) => left > right)
    default:
      return false
  }
}

/** The first taint that passes `matters` and that nothing tolerates. */
export function firstUntolerated(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  matters: (taint: Taint) => boolean,
): Taint | undefined {
  return taints?.find((taint) => matters(taint) && !tolerations?.some((toleration) => tolerates(toleration, taint)))
}

/** The effects that keep a new pod off a node. */
export function keepsOff(taint: Taint): boolean {
  return taint.effect === 'NoSchedule' || taint.effect === 'NoExecute'
}

function compareNumeric(left: string | undefined, right: string | undefined, ordered: (left: bigint, right: bigint) => boolean): boolean {
  const whole = /^-?\d+$/
  return whole.test(left ?? '') && whole.test(right ?? '') && ordered(BigInt(left ?? ''), BigInt(right ?? ''))
}
