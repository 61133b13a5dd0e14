import { loadControllerFolder } from '../../shared/process/controller-set.ts'
import type { CloudController } from '../cloud-controller.ts'

/** Every controller that has a file in this folder. @throws Error when two have one name */
export function loadControllers(): Promise<CloudController[]> {
  return loadControllerFolder(import.meta.dirname)
}
