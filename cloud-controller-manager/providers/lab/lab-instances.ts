import type { Node } from '../../../shared/openapi/generated/core-v1.ts'
import type { InstanceMetadata, Instances } from '../../provider.ts'

/** Hosts of which nobody knows more than they say themselves: all of them exist, under the addresses that their kubelets found. */
export class LabInstances implements Instances {
  async exists(): Promise<boolean> {
    return true
  }

  async isShutDown(): Promise<boolean> {
    return false
  }

  async metadata({ metadata, spec, status }: Node): Promise<InstanceMetadata> {
    return { providerID: spec.providerID || `coxswain://${metadata.name}`, addresses: status.addresses ?? [] }
  }
}
