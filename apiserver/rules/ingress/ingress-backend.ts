import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { IngressBackend, ServiceBackendPort } from '../../../shared/openapi/generated/networking-v1.ts'
import { oldDnsLabelProblems, portNameProblems, portNumberProblems } from '../metadata/names.ts'
import { referenceProblems } from './reference.ts'

/** Where requests go: a port of a Service, or another object of the namespace. */
export function* backendProblems({ service, resource }: IngressBackend, path: string): Generator<FieldProblem> {
  if (resource && service) yield fieldProblem.invalid(path, '', 'cannot set both resource and service backends')
  else if (resource) yield* referenceProblems(resource, `${path}.resource`)
  else if (!service) yield fieldProblem.invalid(path, '', 'resource or service backend is required')
  else {
    if (service.name === '') yield fieldProblem.required(`${path}.service.name`)
    else for (const problem of oldDnsLabelProblems(service.name)) yield fieldProblem.invalid(`${path}.service.name`, service.name, problem)
    yield* portProblems(service.port, path)
  }
}

function* portProblems({ name, number }: ServiceBackendPort, path: string): Generator<FieldProblem> {
  if (name && number) yield fieldProblem.invalid(path, '', 'cannot set both port name & port number')
  else if (name) for (const problem of portNameProblems(name)) yield fieldProblem.invalid(`${path}.service.port.name`, name, problem)
  else if (number)
    for (const problem of portNumberProblems(number)) yield fieldProblem.invalid(`${path}.service.port.number`, number, problem)
  else yield fieldProblem.required(path, 'port name or number is required')
}
