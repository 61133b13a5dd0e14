import assert from 'node:assert/strict'
import { decodeObject } from '../../apiserver/registry/schema-check.ts'
import { defaultJob } from '../../apiserver/rules/job/job-defaults.ts'
import { generateSelector } from '../../apiserver/rules/job/job-labels.ts'
import type { FieldProblem } from '../../shared/errors/field-error.ts'
import type { Job } from '../../shared/openapi/generated/batch-v1.ts'

export const template = {
  spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }], initContainers: [{ name: 'i', image: 'x' }] },
}
const metadata = { name: 'count', uid: 'u-1' }
export const lines = (problems: Iterable<FieldProblem>) => [...problems].map(({ path, message }) => `${path}: ${message}`)

export function job(spec: object, status: object = {}): Job {
  const fields = structuredClone({ metadata, spec: { template, ...spec }, status })
  return decodeObject('batch/v1', 'Job', fields, { fieldValidation: 'Strict' }) as Job
}

export function created(spec: object, status: object = {}): Job {
  const made = job(spec, status)
  defaultJob(made)
  generateSelector(made)
  return made
}

export function finds(found: readonly string[], expected: string, what: unknown): void {
  const isFound = found.some((line) => line.startsWith(expected))
  assert.ok(isFound, `${JSON.stringify(what)}\n  wanted ${expected}\n  found  ${found.join('\n         ')}`)
}

export const indexed = { completionMode: 'Indexed', completions: 5, parallelism: 2 }
export const policy = (rule: object) => ({ podFailurePolicy: { rules: [rule] } })
