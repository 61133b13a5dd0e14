import type { ControllerDefinition } from '../../shared/controller/define-controller.ts'
import { loadControllerFolder } from '../../shared/process/controller-set.ts'
import type { ControllerSettings } from '../config.ts'

/** Every controller that has a file in this folder: a new file is a new controller. @throws Error when two have one name */
export function loadControllers(): Promise<ControllerDefinition<ControllerSettings>[]> {
  return loadControllerFolder(import.meta.dirname)
}
