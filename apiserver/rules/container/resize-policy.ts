import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Container, PodSpec } from '../../../shared/openapi/generated/core-v1.ts'

const resources = ['cpu', 'memory']
const policies = ['NotRequired', 'RestartContainer']

/** How a container wants to be resized: once a resource, and by a restart only where the pod restarts anything. */
export function* resizePolicyProblems({ resizePolicy = [] }: Container, spec: PodSpec, path: string): Generator<FieldProblem> {
  const seen = new Set<string>()
  for (const [index, { resourceName, restartPolicy }] of resizePolicy.entries()) {
    if (!resourceName) yield fieldProblem.required(path)
    else if (!resources.includes(resourceName)) yield fieldProblem.notSupported(path, resourceName, resources)
    if (!restartPolicy) yield fieldProblem.required(path)
    else if (!policies.includes(restartPolicy)) yield fieldProblem.notSupported(path, restartPolicy, policies)
    if (seen.has(resourceName)) yield fieldProblem.duplicate(`${path}[${index}]`, resourceName)
    seen.add(resourceName)
    if (spec.restartPolicy === 'Never' && restartPolicy === 'RestartContainer')
      yield fieldProblem.invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'")
  }
}
