import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from '../../../shared/openapi/generated/flowcontrol-v1.ts'
import { EXEMPT, mandatoryLevels } from '../../flowcontrol/bootstrap-policy.ts'
import { MOST_HASH_BITS, requiredBits } from '../../flowcontrol/shuffle-shard.ts'
import { sameValue } from '../../registry/same-value.ts'

const MOST_QUEUES = 10_000_000

/** Upstream's defaults of flowcontrol.apiserver.k8s.io/v1. */
export function defaultPriorityLevel({ spec }: PriorityLevelConfiguration): void {
  if (spec.type === 'Exempt') {
    spec.exempt ??= {}
    spec.exempt.nominalConcurrencyShares ??= 0
    spec.exempt.lendablePercent ??= 0
  }
  const { limited } = spec
  if (!limited) return
  limited.nominalConcurrencyShares ??= 30
  limited.lendablePercent ??= 0
  const { queuing } = limited.limitResponse
  if (!queuing) return
  queuing.queues ||= 64
  queuing.handSize ||= 8
  queuing.queueLengthLimit ||= 50
}

/** Rules of a PriorityLevelConfiguration, in upstream's words. */
export function* priorityLevelProblems({ metadata, spec }: PriorityLevelConfiguration): Generator<FieldProblem> {
  const name = metadata.name ?? ''
  if ((name === EXEMPT) !== (spec.type === 'Exempt')) {
    yield fieldProblem.invalid('spec.type', spec.type, "type must be 'Exempt' if and only if name is 'exempt'")
  }
  if (spec.type === 'Exempt') {
    if (spec.limited) yield fieldProblem.forbidden('spec.limited', 'must be nil if the type is not Limited')
    const { nominalConcurrencyShares = 0, lendablePercent = 0 } = spec.exempt ?? {}
    yield* shareProblems({ nominalConcurrencyShares, lendablePercent }, 'spec.exempt')
  } else if (spec.type === 'Limited') {
    if (spec.exempt) yield fieldProblem.forbidden('spec.exempt', 'must be nil if the type is Limited')
    if (spec.limited) yield* limitedProblems(spec.limited, 'spec.limited')
    else yield fieldProblem.required('spec.limited', 'must not be empty when type is Limited')
  } else yield fieldProblem.notSupported('spec.type', spec.type, ['Exempt', 'Limited'])

  const fixed = mandatoryLevels.find((each) => each.name === name)
  if (!fixed) return
  if (name === EXEMPT && !sameValue({ ...spec, exempt: undefined }, { ...fixed.spec, exempt: undefined })) {
    yield fieldProblem.invalid('spec', spec, `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`)
  } else if (name !== EXEMPT && !sameValue(spec, fixed.spec)) {
    yield fieldProblem.invalid('spec', spec, `spec of '${name}' must equal the fixed value`)
  }
}

function* shareProblems(shares: { nominalConcurrencyShares: number; lendablePercent: number }, path: string): Generator<FieldProblem> {
  const { nominalConcurrencyShares, lendablePercent } = shares
  if (nominalConcurrencyShares < 0) {
    yield fieldProblem.invalid(`${path}.nominalConcurrencyShares`, nominalConcurrencyShares, 'must be a non-negative integer')
  }
  if (lendablePercent < 0 || lendablePercent > 100) {
    yield fieldProblem.invalid(`${path}.lendablePercent`, lendablePercent, 'must be between 0 and 100, inclusive')
  }
}

function* limitedProblems(limited: LimitedPriorityLevelConfiguration, path: string): Generator<FieldProblem> {
  const { nominalConcurrencyShares, lendablePercent = 0, borrowingLimitPercent, limitResponse } = limited
  yield* shareProblems({ nominalConcurrencyShares: nominalConcurrencyShares ?? 0, lendablePercent }, path)
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    const detail = 'if specified, must be a non-negative integer'
    yield fieldProblem.invalid(`${path}.borrowingLimitPercent`, borrowingLimitPercent, detail)
  }
  yield* responseProblems(limitResponse, `${path}.limitResponse`)
}

function* responseProblems({ type, queuing }: LimitResponse, path: string): Generator<FieldProblem> {
  if (type === 'Reject') {
    if (queuing) yield fieldProblem.forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')
  } else if (type === 'Queue') {
    if (queuing) yield* queuingProblems(queuing, `${path}.queuing`)
    else yield fieldProblem.required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')
  } else yield fieldProblem.notSupported(`${path}.type`, type, ['Queue', 'Reject'])
}

function* queuingProblems({ queues, handSize, queueLengthLimit }: QueuingConfiguration, path: string): Generator<FieldProblem> {
  if (queueLengthLimit <= 0) yield fieldProblem.invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive')
  const invalidQueues = (detail: string) => fieldProblem.invalid(`${path}.queues`, queues, detail)
  if (queues <= 0) yield invalidQueues('must be positive')
  else if (queues > MOST_QUEUES) yield invalidQueues(`must not be greater than ${MOST_QUEUES}`)
  const invalidHand = (detail: string) => fieldProblem.invalid(`${path}.handSize`, handSize, detail)
  if (handSize <= 0) yield invalidHand('must be positive')
  else if (handSize > queues) yield invalidHand(`should not be greater than queues (${queues})`)
  // Each further card takes a bit at least, but for the last of the deck.
  else if (handSize > MOST_HASH_BITS + 1 || requiredBits(queues, handSize) > MOST_HASH_BITS) {
    const detail = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MOST_HASH_BITS}`
    yield invalidHand(detail)
  }
}
