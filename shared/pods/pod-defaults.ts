import { own, setOwn } from '../objects/own.ts'
import type {
  Container,
  HTTPGetAction,
  PodSpec,
  Probe,
  ResourceRequirements,
  Volume,
  VolumeProjection,
} from '../openapi/generated/core-v1.ts'
import { defaultPodResources } from './pod-resource-defaults.ts'

/** Defaults that hold for a pod's spec wherever it stands: in a Pod or in a template. Edits in place; safe to run again. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.restartPolicy ||= 'Always'
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.schedulerName ||= 'default-scheduler'
  spec.terminationGracePeriodSeconds ??= 30
  spec.securityContext ??= {}
  const account = spec.serviceAccountName || spec.serviceAccount
  if (account) {
    spec.serviceAccountName = account
    spec.serviceAccount = account
  }
  for (const container of spec.containers) defaultContainer(container)
  for (const container of spec.initContainers ?? []) defaultContainer(container)
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container)
  for (const volume of spec.volumes ?? []) defaultVolume(volume)
}

/** What is filled in for Pods only, not for templates: templates are kept as their author wrote them. */
export function defaultPodOnly(spec: PodSpec): void {
  spec.enableServiceLinks ??= true
  defaultPodResources(spec)
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
    requestsFromLimits(container.resources)
    if (spec.hostNetwork) for (const port of container.ports ?? []) port.hostPort ??= port.containerPort
  }
}

function requestsFromLimits(resources: ResourceRequirements): void {
  for (const [name, limit] of Object.entries(resources.limits ?? {})) {
    resources.requests ??= {}
    if (own(resources.requests, name) === undefined) setOwn(resources.requests, name, limit)
  }
}

function defaultContainer(container: Container): void {
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.imagePullPolicy ||= defaultPullPolicy(container.image ?? '')
  for (const port of container.ports ?? []) port.protocol ||= 'TCP'
  for (const variable of container.env ?? []) {
    if (variable.valueFrom?.fieldRef) variable.valueFrom.fieldRef.apiVersion ||= 'v1'
    if (variable.valueFrom?.fileKeyRef) variable.valueFrom.fileKeyRef.optional ??= false
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) if (probe) defaultProbe(probe)
  for (const hook of [container.lifecycle?.postStart, container.lifecycle?.preStop]) if (hook?.httpGet) defaultHttpGet(hook.httpGet)
}

/** An image without tag or digest, or tagged `latest`, is pulled every time. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent'
  const tag = /:([^/:]+)$/.exec(image)?.[1]
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent'
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  if (probe.httpGet) defaultHttpGet(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

function defaultHttpGet(action: HTTPGetAction): void {
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

/** 0644, as JSON writes it. */
const FILE_MODE = 0o644

function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).length === 1 && volume.name !== undefined) volume.emptyDir = {}
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (volume.secret) volume.secret.defaultMode ??= FILE_MODE
  if (volume.configMap) volume.configMap.defaultMode ??= FILE_MODE
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= FILE_MODE
    for (const item of volume.downwardAPI.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ||= 'v1'
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= FILE_MODE
    for (const source of volume.projected.sources ?? []) defaultProjection(source)
  }
  if (volume.image) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference ?? '')
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec
  if (claim) claim.volumeMode ??= 'Filesystem'
  if (volume.iscsi) volume.iscsi.iscsiInterface ||= 'default'
}

function defaultProjection(source: VolumeProjection): void {
  if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600
  for (const item of source.downwardAPI?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ||= 'v1'
}
