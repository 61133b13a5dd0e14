import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Container, ContainerPort, PodSpec, VolumeMount } from '../../../shared/openapi/generated/core-v1.ts'
import { dnsLabelProblems, portNameProblems, portNumberProblems } from '../metadata/names.ts'
import { securityContextProblems } from '../pod/security-context.ts'
import { protocols } from '../service/protocols.ts'
import { descendingPathProblems } from '../volume/local-path.ts'
import { environmentSourcesProblems, variablesProblems } from './container-environment.ts'
import { lifecycleProblems, type ProbeRole, probeProblems } from './probe.ts'
import { resizePolicyProblems } from './resize-policy.ts'
import { requirementsProblems } from './resource-requirements.ts'
import { restartRulesProblems } from './restart-rules.ts'
import { volumeDevicesProblems } from './volume-devices.ts'

const pullPolicies = ['Always', 'IfNotPresent', 'Never']
const messagePolicies = ['FallbackToLogsOnError', 'File']
const restartPolicies = ['Always', 'Never', 'OnFailure']
const probes: readonly ProbeRole[] = ['livenessProbe', 'readinessProbe', 'startupProbe']

/** What every kind of container must satisfy. Names are checked for uniqueness by the caller, who sees them all. */
export function* containerProblems(container: Container, spec: PodSpec, path: string): Generator<FieldProblem> {
  if (!container.name) yield fieldProblem.required(`${path}.name`)
  else for (const problem of dnsLabelProblems(container.name)) yield fieldProblem.invalid(`${path}.name`, container.name, problem)
  const image = container.image ?? ''
  if (image === '') yield fieldProblem.required(`${path}.image`)
  else if (image.trim() !== image) yield fieldProblem.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace')
  const { terminationMessagePolicy: messages = '', imagePullPolicy: pulls = '', restartPolicy } = container
  if (!messagePolicies.includes(messages)) yield fieldProblem.notSupported(`${path}.terminationMessagePolicy`, messages, messagePolicies)
  if (!pullPolicies.includes(pulls)) yield fieldProblem.notSupported(`${path}.imagePullPolicy`, pulls, pullPolicies)
  if (restartPolicy !== undefined && !restartPolicies.includes(restartPolicy)) {
    yield fieldProblem.notSupported(`${path}.restartPolicy`, restartPolicy, restartPolicies)
  }
  yield* portsProblems(container.ports ?? [], spec, `${path}.ports`)
  yield* variablesProblems(container.env ?? [], `${path}.env`)
  yield* environmentSourcesProblems(container.envFrom ?? [], `${path}.envFrom`)
  yield* mountsProblems(container, spec, `${path}.volumeMounts`)
  yield* volumeDevicesProblems(container, spec, `${path}.volumeDevices`)
  for (const role of probes) if (container[role]) yield* probeProblems(container[role], role, `${path}.${role}`)
  for (const hook of ['postStart', 'preStop'] as const) {
    const handler = container.lifecycle?.[hook]
    if (handler) yield* lifecycleProblems(handler, `${path}.lifecycle.${hook}`, spec.terminationGracePeriodSeconds)
  }
  yield* requirementsProblems(container.resources, `${path}.resources`)
  yield* resizePolicyProblems(container, spec, `${path}.resizePolicy`)
  yield* restartRulesProblems(container, path)
  if (container.securityContext?.procMount === 'Unmasked' && spec.hostUsers !== false) {
    yield fieldProblem.invalid(`${path}.securityContext.procMount`, 'Unmasked', '`hostUsers` must be false to use `Unmasked`')
  }
  if (container.securityContext) yield* securityContextProblems(container.securityContext, `${path}.securityContext`)
}

function* portsProblems(ports: readonly ContainerPort[], spec: PodSpec, path: string): Generator<FieldProblem> {
  const names = new Set<string>()
  for (const [index, port] of ports.entries()) {
    const at = `${path}[${index}]`
    if (port.name) {
      for (const problem of portNameProblems(port.name)) yield fieldProblem.invalid(`${at}.name`, port.name, problem)
      if (names.has(port.name)) yield fieldProblem.duplicate(`${at}.name`, port.name)
      names.add(port.name)
    }
    if (!port.containerPort) yield fieldProblem.required(`${at}.containerPort`)
    else
      for (const problem of portNumberProblems(port.containerPort))
        yield fieldProblem.invalid(`${at}.containerPort`, port.containerPort, problem)
    if (port.hostPort) {
      for (const problem of portNumberProblems(port.hostPort)) yield fieldProblem.invalid(`${at}.hostPort`, port.hostPort, problem)
      if (spec.hostNetwork && port.hostPort !== port.containerPort) {
        yield fieldProblem.invalid(`${at}.containerPort`, port.containerPort, 'must match `hostPort` when `hostNetwork` is true')
      }
    }
    if (!port.protocol) yield fieldProblem.required(`${at}.protocol`)
    else if (!protocols.includes(port.protocol)) yield fieldProblem.notSupported(`${at}.protocol`, port.protocol, protocols)
  }
}

const propagations = ['Bidirectional', 'HostToContainer', 'None']

function* mountsProblems(container: Container, spec: PodSpec, path: string): Generator<FieldProblem> {
  const places = new Set<string>()
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}[${index}]`
    if (!mount.name) yield fieldProblem.required(`${at}.name`)
    if (!spec.volumes?.some((volume) => volume.name === mount.name)) yield fieldProblem.notFound(`${at}.name`, mount.name)
    if (!mount.mountPath) yield fieldProblem.required(`${at}.mountPath`)
    if (places.has(mount.mountPath)) yield fieldProblem.invalid(`${at}.mountPath`, mount.mountPath, 'must be unique')
    places.add(mount.mountPath)
    yield* subPathProblems(mount, at)
    const propagation = mount.mountPropagation
    if (propagation !== undefined && !propagations.includes(propagation)) {
      yield fieldProblem.notSupported(`${at}.mountPropagation`, propagation, propagations)
    }
    if (propagation === 'Bidirectional' && !container.securityContext?.privileged) {
      yield fieldProblem.forbidden(`${at}.mountPropagation`, 'Bidirectional mount propagation is available only to privileged containers')
    }
  }
}

function* subPathProblems(mount: VolumeMount, path: string): Generator<FieldProblem> {
  if (mount.subPath) yield* descendingPathProblems(mount.subPath, `${path}.subPath`)
  if (!mount.subPathExpr) return
  if (mount.subPath) yield fieldProblem.invalid(`${path}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive')
  yield* descendingPathProblems(mount.subPathExpr, `${path}.subPathExpr`)
}
