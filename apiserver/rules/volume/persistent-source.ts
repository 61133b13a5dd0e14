import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  CSIPersistentVolumeSource,
  ISCSIPersistentVolumeSource,
  PersistentVolumeSpec,
} from '../../../shared/openapi/generated/core-v1.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { dnsLabelProblems } from '../metadata/names.ts'
import { hostPathProblems, nfsProblems } from './host-and-network.ts'
import { backstepProblems } from './local-path.ts'

/** What a PersistentVolume may stand for, in the order in which upstream looks. */
export const persistentSources = [
  ...(['hostPath', 'gcePersistentDisk', 'awsElasticBlockStore', 'glusterfs', 'flocker', 'nfs', 'rbd', 'quobyte', 'cephfs'] as const),
  ...(['iscsi', 'cinder', 'fc', 'flexVolume', 'azureFile', 'vsphereVolume', 'photonPersistentDisk', 'portworxVolume'] as const),
  ...(['azureDisk', 'scaleIO', 'local', 'storageos', 'csi'] as const),
] satisfies readonly (keyof PersistentVolumeSpec)[]

type SourceName = (typeof persistentSources)[number]

/** Fields without which a volume of a driver that is not ours means nothing. */
const requiredFields: Partial<Record<SourceName, readonly string[]>> = {
  gcePersistentDisk: ['pdName'],
  awsElasticBlockStore: ['volumeID'],
  glusterfs: ['endpoints', 'path'],
  rbd: ['monitors', 'image'],
  quobyte: ['registry', 'volume'],
  cephfs: ['monitors'],
  iscsi: ['targetPortal', 'iqn'],
  cinder: ['volumeID'],
  flexVolume: ['driver'],
  azureFile: ['secretName', 'shareName'],
  vsphereVolume: ['volumePath'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  azureDisk: ['diskName', 'diskURI'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  local: ['path'],
}
/** Where upstream's path is not the field's. */
const oldPaths: Partial<Record<SourceName, string>> = { gcePersistentDisk: 'persistentDisk' }

/** Exactly one source, and that one complete. */
export function* persistentSourceProblems(spec: PersistentVolumeSpec, path: string): Generator<FieldProblem> {
  const [source, ...more] = persistentSources.filter((name) => spec[name] !== undefined)
  if (source === undefined) yield fieldProblem.required(path, 'must specify a volume type')
  for (const name of more) yield fieldProblem.forbidden(`${path}.${name}`, 'may not specify more than 1 volume type')
  if (source === undefined) return
  const at = `${path}.${oldPaths[source] ?? source}`
  const given: object = spec[source] ?? {}
  for (const field of requiredFields[source] ?? []) {
    const value: unknown = Reflect.get(given, field)
    if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) yield fieldProblem.required(`${at}.${field}`)
  }
  yield* particularProblems(spec, path)
}

function* particularProblems(spec: PersistentVolumeSpec, path: string): Generator<FieldProblem> {
  const { hostPath, nfs, local, csi, iscsi, fc, flocker, azureDisk } = spec
  if (hostPath) yield* hostPathProblems(hostPath, `${path}.hostPath`)
  if (nfs) yield* nfsProblems(nfs, `${path}.nfs`)
  if (local) {
    yield* backstepProblems(local.path, `${path}.local.path`)
    if (!spec.nodeAffinity?.required) yield fieldProblem.required(`${path}.nodeAffinity`, 'Local volume requires node affinity')
  }
  if (csi) yield* csiProblems(csi, `${path}.csi`)
  if (iscsi) yield* iscsiProblems(iscsi, `${path}.iscsi`)
  if (fc) {
    const isByName = (fc.targetWWNs?.length ?? 0) > 0
    if (isByName === (fc.wwids?.length ?? 0) > 0) {
      const why = 'must specify either targetWWNs or wwids, but not both'
      yield isByName
        ? fieldProblem.invalid(`${path}.fc.targetWWNs`, fc.targetWWNs, why)
        : fieldProblem.required(`${path}.fc.targetWWNs`, why)
    }
    if (isByName && fc.lun === undefined) yield fieldProblem.required(`${path}.fc.lun`, 'lun is required if targetWWNs is specified')
    yield* lunProblems(fc.lun, `${path}.fc.lun`)
  }
  if (flocker) {
    const { datasetName: name, datasetUUID: uuid } = flocker
    if (!name && !uuid) yield fieldProblem.required(`${path}.flocker`, 'one of datasetName and datasetUUID is required')
    if (name && uuid)
      yield fieldProblem.invalid(`${path}.flocker`, 'resource', 'datasetName and datasetUUID can not be specified simultaneously')
  }
  if (azureDisk) {
    yield* oneOf(azureDisk.cachingMode, ['None', 'ReadOnly', 'ReadWrite'], `${path}.azureDisk.cachingMode`)
    yield* oneOf(azureDisk.kind, ['Dedicated', 'Managed', 'Shared'], `${path}.azureDisk.kind`)
  }
  for (const name of ['gcePersistentDisk', 'awsElasticBlockStore'] as const) {
    const partition = spec[name]?.partition ?? 0
    if (partition < 0 || partition > 255)
      yield fieldProblem.invalid(`${path}.${oldPaths[name] ?? name}.partition`, partition, 'must be between 1 and 255, inclusive')
  }
}

/** The name of a CSI driver, in the fields that name one. */
export function* csiDriverProblems(driver: string, path: string): Generator<FieldProblem> {
  if (driver === '') yield fieldProblem.required(path)
  else if (driver.length > 63) yield fieldProblem.tooLong(path, 63)
  else for (const problem of subdomainProblems(driver.toLowerCase())) yield fieldProblem.invalid(path, driver, problem)
}

function* csiProblems(csi: CSIPersistentVolumeSource, path: string): Generator<FieldProblem> {
  yield* csiDriverProblems(csi.driver, `${path}.driver`)
  if (!csi.volumeHandle) yield fieldProblem.required(`${path}.volumeHandle`)
  for (const field of ['controllerPublish', 'controllerExpand', 'nodePublish', 'nodeExpand', 'nodeStage'] as const) {
    const reference = csi[`${field}SecretRef`]
    const at = `${path}.${field}SecretRef`
    if (!reference) continue
    if (!reference.name) yield fieldProblem.required(`${at}.name`)
    if (!reference.namespace) yield fieldProblem.required(`${at}.namespace`)
    else
      for (const problem of dnsLabelProblems(reference.namespace))
        yield fieldProblem.invalid(`${at}.namespace`, reference.namespace, problem)
  }
}

const initiator = /^(iqn\.\d{4}-\d{2}\.[\w.-]+(:[^,;*&$|\s]+)?|eui\.[0-9A-Za-z]{16}|naa\.[0-9A-Za-z]{32})$/

function* iscsiProblems({ iqn, lun }: ISCSIPersistentVolumeSource, path: string): Generator<FieldProblem> {
  if (iqn && !initiator.test(iqn)) yield fieldProblem.invalid(`${path}.iqn`, iqn, 'must be valid format')
  yield* lunProblems(lun, `${path}.lun`)
}

function* lunProblems(lun: number | undefined, path: string): Generator<FieldProblem> {
  if (lun !== undefined && (lun < 0 || lun > 255)) yield fieldProblem.invalid(path, lun, 'must be between 0 and 255, inclusive')
}

function* oneOf(value: string | undefined, known: readonly string[], path: string): Generator<FieldProblem> {
  if (value !== undefined && !known.includes(value)) yield fieldProblem.notSupported(path, value, known)
}
