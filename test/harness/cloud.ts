import { settings as cloudSettings } from '../../cloud-controller-manager/config.ts'
import { createCloudControllerManager } from '../../cloud-controller-manager/create-cloud-controller-manager.ts'
import type { Draft, ObjectOf } from '../../shared/client/client.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import { readConfig } from '../../shared/process/config.ts'
import type { ProcessTools } from '../../shared/process/run.ts'
import type { InProcessCluster } from '../../simulation/cluster.ts'

/** Adds a cloud controller manager, started with these flags, to a cluster in this process. */
export async function addCloud(cluster: InProcessCluster, flags: readonly string[], tools: ProcessTools = cluster.tools): Promise<void> {
  const defaults = ['--leader-elect=false', '--health-port=0']
  const config = readConfig({ name: 'cloud-controller-manager', summary: '' }, cloudSettings, { args: [...defaults, ...flags], env: {} })
  await cluster.add(await createCloudControllerManager(config, tools))
}

/** The smallest Service of type LoadBalancer, for pods labelled `app`; `spec` is laid over it. */
export function balanced(
  name: string,
  spec: Draft<Service>['spec'] = {},
  annotations: Record<string, string> = {},
): Draft<ObjectOf<'v1', 'Service'>> {
  return {
    metadata: { name, namespace: 'default', annotations },
    spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }], ...spec },
  }
}

/** Addresses that load balancers gave a Service. */
export function addressesOf({ status }: Service): string[] {
  return (status.loadBalancer.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '')
}
