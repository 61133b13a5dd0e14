import { storageChangesSuite } from './storage-changes.ts'
import { storageClaimsSuite } from './storage-claims.ts'
import type { StorageDriver } from './storage-driver.ts'
import { storageFaultsSuite } from './storage-faults.ts'
import { storageModelSuite } from './storage-model.ts'
import { storageStateSuite } from './storage-state.ts'

/** What every storage driver must pass. Called by the test file of each. */
export function storageContract(driver: StorageDriver): void {
  storageStateSuite(driver)
  storageChangesSuite(driver)
  storageClaimsSuite(driver)
  storageFaultsSuite(driver)
  storageModelSuite(driver)
}
