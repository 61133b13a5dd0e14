import type { Job } from '../../shared/openapi/generated/batch-v1.ts'
import type { Container, Pod, PodTemplateSpec } from '../../shared/openapi/generated/core-v1.ts'
import { countsAsFailure, judgeFailure } from '../plans/job-failure-policy.ts'
import {
  earlierFailures,
  earlierIgnoredFailures,
  FAILURES_ANNOTATION,
  IGNORED_FAILURES_ANNOTATION,
  INDEX_ANNOTATION,
  TRACKING_FINALIZER,
} from './job-pod.ts'

const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX'
/** Room for the five letters of a generated name in the 63 that a name may have as a host name. */
const LONGEST_PREFIX = 58

/** What names of the job's pods begin with; an index is never cut off. */
export function podNamePrefix({ metadata: { name = '' } }: Job, index: number | undefined): string {
  const end = index === undefined ? '-' : `-${index}-`
  return name.length + end.length <= LONGEST_PREFIX ? `${name}${end}` : `${name}${end}`.slice(0, LONGEST_PREFIX - end.length) + end
}

/** What a pod of the job is made from. `replaces`: the failed pod of this index whose number of failures it takes over. Pure. */
export function jobPodTemplate(job: Job, index: number | undefined, replaces: Pod | undefined): PodTemplateSpec {
  const { metadata, spec } = job.spec.template
  const finalizers = [...new Set([...(metadata.finalizers ?? []), TRACKING_FINALIZER])]
  if (index === undefined) return { metadata: { ...metadata, finalizers }, spec }
  const place = { [INDEX_ANNOTATION]: String(index) }
  return {
    metadata: {
      ...{ ...metadata, finalizers, labels: { ...metadata.labels, ...place } },
      annotations: { ...metadata.annotations, ...place, ...failureAnnotations(job, replaces) },
    },
    spec: {
      ...{ ...spec, hostname: `${job.metadata.name}-${index}`, containers: spec.containers.map(withIndex) },
      ...(spec.initContainers ? { initContainers: spec.initContainers.map(withIndex) } : {}),
    },
  }
}

function withIndex(container: Container): Container {
  if (container.env?.some(({ name }) => name === INDEX_VARIABLE)) return container
  const fieldRef = { apiVersion: 'v1', fieldPath: `metadata.labels['${INDEX_ANNOTATION}']` }
  return { ...container, env: [...(container.env ?? []), { name: INDEX_VARIABLE, valueFrom: { fieldRef } }] }
}

function failureAnnotations({ spec }: Job, replaces: Pod | undefined): Record<string, string> {
  if (spec.backoffLimitPerIndex === undefined) return {}
  let failures = replaces ? earlierFailures(replaces) : 0
  let ignored = replaces ? earlierIgnoredFailures(replaces) : 0
  if (replaces && countsAsFailure(judgeFailure(spec.podFailurePolicy, replaces))) failures++
  else if (replaces) ignored++
  return { [FAILURES_ANNOTATION]: `${failures}`, ...(ignored > 0 ? { [IGNORED_FAILURES_ANNOTATION]: `${ignored}` } : {}) }
}
