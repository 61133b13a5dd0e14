import type { ControllerTools } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Node, PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import type { StorageClass } from '../../shared/openapi/generated/storage-v1.ts'
import { NODE_FOLDER, SELECTED_NODE, STORAGE_PROVISIONERS } from '../../shared/volumes/annotations.ts'
import { planFolder } from '../plans/node-folder.ts'

type Tools = Pick<ControllerTools, 'client' | 'events' | 'signal'>

/** Has a volume made for the claim: by the built-in provisioner at once, by any other by telling it. The volume comes bound to the claim. */
export async function provision(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  nodeOf: (name: string) => Node | undefined,
  tools: Tools,
): Promise<void> {
  const { client, events, signal } = tools
  const { provisioner } = storageClass
  const current = await nameProvisioner(claim, provisioner, tools)
  if (provisioner !== NODE_FOLDER) {
    const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
    events.record(claim, 'Normal', 'ExternalProvisioning', message)
    return
  }
  const plan = planFolder(current, storageClass, nodeOf)
  if ('refusal' in plan) {
    const message = `failed to provision volume with StorageClass ${JSON.stringify(storageClass.metadata.name)}: ${plan.refusal}`
    events.record(claim, 'Warning', 'ProvisioningFailed', message)
    if (plan.elsewhere) await forgetNode(current, tools)
    return
  }
  try {
    await client.create('v1', 'PersistentVolume', plan.volume, { signal })
  } catch (error) {
    // Made by the one before us, who died before the cache showed it.
    if (!hasReason(error, 'AlreadyExists')) throw error
    return
  }
  events.record(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${plan.volume.metadata.name}`)
}

async function nameProvisioner(claim: PersistentVolumeClaim, name: string, { client, signal }: Tools): Promise<PersistentVolumeClaim> {
  if (STORAGE_PROVISIONERS.every((key) => claim.metadata.annotations?.[key] === name)) return claim
  const annotations = { ...claim.metadata.annotations, ...Object.fromEntries(STORAGE_PROVISIONERS.map((key) => [key, name])) }
  return await client.update('v1', 'PersistentVolumeClaim', { ...claim, metadata: { ...claim.metadata, annotations } }, { signal })
}

/** Without the annotation the scheduler chooses again. */
async function forgetNode(claim: PersistentVolumeClaim, { client, signal }: Tools): Promise<void> {
  const { [SELECTED_NODE]: _, ...annotations } = claim.metadata.annotations ?? {}
  await client.update('v1', 'PersistentVolumeClaim', { ...claim, metadata: { ...claim.metadata, annotations } }, { signal })
}
