import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { ServicePort, ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'
import { dnsLabelProblems, portNameProblems, portNumberProblems } from '../metadata/names.ts'
import { protocols } from './protocols.ts'

/** Ports of a Service: named where there are several, no number and no name twice. */
export function* servicePortsProblems(spec: ServiceSpec): Generator<FieldProblem> {
  const ports = spec.ports ?? []
  const names = new Set<string>()
  const numbers = new Set<string>()
  const nodePorts = new Set<string>()
  for (const [index, port] of ports.entries()) {
    const path = `spec.ports[${index}]`
    yield* portProblems(port, ports.length > 1, path)
    if (port.name) {
      if (names.has(port.name)) yield fieldProblem.duplicate(`${path}.name`, port.name)
      names.add(port.name)
    }
    const number = `${port.protocol}/${port.port}`
    if (numbers.has(number)) yield fieldProblem.duplicate(path, { port: port.port, protocol: port.protocol })
    numbers.add(number)
    if (!port.nodePort) continue
    if (spec.type === 'ClusterIP' || spec.type === 'ExternalName') {
      yield fieldProblem.forbidden(`${path}.nodePort`, `may not be used when \`type\` is '${spec.type}'`)
    }
    const nodePort = `${port.protocol}/${port.nodePort}`
    if (nodePorts.has(nodePort)) yield fieldProblem.duplicate(`${path}.nodePort`, port.nodePort)
    nodePorts.add(nodePort)
  }
}

function* portProblems(port: ServicePort, needsName: boolean, path: string): Generator<FieldProblem> {
  if (needsName && !port.name) yield fieldProblem.required(`${path}.name`)
  else if (port.name) for (const problem of dnsLabelProblems(port.name)) yield fieldProblem.invalid(`${path}.name`, port.name, problem)
  for (const problem of portNumberProblems(port.port)) yield fieldProblem.invalid(`${path}.port`, port.port, problem)
  if (!port.protocol) yield fieldProblem.required(`${path}.protocol`)
  else if (!protocols.includes(port.protocol)) yield fieldProblem.notSupported(`${path}.protocol`, port.protocol, protocols)
  const target = port.targetPort
  const problems = typeof target === 'number' ? portNumberProblems(target) : portNameProblems(target)
  for (const problem of problems) yield fieldProblem.invalid(`${path}.targetPort`, target, problem)
  if (port.appProtocol) {
    for (const problem of labelKeyProblems(port.appProtocol)) yield fieldProblem.invalid(`${path}.appProtocol`, port.appProtocol, problem)
  }
}
