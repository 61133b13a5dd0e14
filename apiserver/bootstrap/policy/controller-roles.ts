import { clusterControllers } from './cluster-controllers.ts'
import { networkControllers } from './network-controllers.ts'
import type { Roles } from './rule.ts'
import { storageControllers } from './storage-controllers.ts'
import { workloadControllers } from './workload-controllers.ts'

/**
 * What each controller holds, by its service account in `kube-system`: the role `system:controller:<account>` is bound to it.
 * All of upstream's are here, those too that nothing here runs as yet.
 */
export const controllerAccounts: Roles = { ...workloadControllers, ...networkControllers, ...storageControllers, ...clusterControllers }

export const controllerRoleName = (account: string) => `system:controller:${account}`
