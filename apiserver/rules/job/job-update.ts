import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Job } from '../../../shared/openapi/generated/batch-v1.ts'
import type { Container, PodTemplateSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { sameValue } from '../../registry/same-value.ts'
import { immutableProblem } from '../metadata/immutable.ts'
import { isIndexed } from './indexed-job.ts'
import { hasCondition } from './job-conditions.ts'

/** What a job may become: wider, narrower, suspended; while it waits suspended, also where and with what its pods will run. */
export function* jobUpdateProblems(next: Job, previous: Job): Generator<FieldProblem> {
  yield* completionsProblems(next, previous)
  yield* immutableProblem('spec.selector', next.spec.selector, previous.spec.selector)
  yield* templateProblems(next, previous)
  for (const field of ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const) {
    yield* immutableProblem(`spec.${field}`, next.spec[field], previous.spec[field])
  }
}

/** Indexed jobs are elastic: they grow and shrink, all of them at once. */
function* completionsProblems({ spec }: Job, { spec: before }: Job): Generator<FieldProblem> {
  const { completions, parallelism } = spec
  if (!isIndexed(spec)) yield* immutableProblem('spec.completions', completions, before.completions)
  else if (completions !== undefined && completions !== before.completions && completions !== parallelism) {
    yield fieldProblem.invalid('spec.completions', completions, 'can only be modified in tandem with spec.parallelism')
  }
}

function* templateProblems({ spec: { template } }: Job, previous: Job): Generator<FieldProblem> {
  const before = previous.spec.template
  const allowed = isAtRest(previous) ? withChangeableParts(before, template) : before
  if (!sameValue(template, allowed)) yield fieldProblem.invalid('spec.template', template, 'field is immutable')
}

/** Suspended before it ever began, or seen to have stopped. */
function isAtRest({ spec, status }: Job): boolean {
  return spec.suspend === true && (status.startTime === undefined || (hasCondition(status, 'Suspended') && (status.active ?? 0) === 0))
}

/** `before` with what queueing systems change of jobs that they hold back taken from `next`. */
function withChangeableParts(before: PodTemplateSpec, next: PodTemplateSpec): PodTemplateSpec {
  const { labels, annotations } = next.metadata
  const { nodeSelector, tolerations, schedulingGates, containers, initContainers } = next.spec
  return {
    metadata: { ...before.metadata, labels, annotations },
    spec: {
      ...{ ...before.spec, nodeSelector, tolerations, schedulingGates, affinity: affinityOf(before, next) },
      containers: withResources(before.spec.containers, containers),
      initContainers: before.spec.initContainers && withResources(before.spec.initContainers, initContainers ?? []),
    },
  }
}

function affinityOf(before: PodTemplateSpec, next: PodTemplateSpec): PodTemplateSpec['spec']['affinity'] {
  const { nodeAffinity: _replaced, ...others } = before.spec.affinity ?? {}
  const { nodeAffinity } = next.spec.affinity ?? {}
  const merged = nodeAffinity ? { ...others, nodeAffinity } : others
  return Object.values(merged).every((part) => part === undefined) ? next.spec.affinity && {} : merged
}

function withResources(before: readonly Container[], next: readonly Container[]): Container[] {
  return before.map((container, index) => {
    const other = next[index]
    return other?.name === container.name ? { ...container, resources: other.resources } : container
  })
}
