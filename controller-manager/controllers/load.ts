import type { ControllerDefinition } from '../../shared/controller/define-controller.ts'
import { loadFolder } from '../../shared/process/load-folder.ts'
import type { ControllerSettings } from '../config.ts'

/** Every controller that has a file in this folder: a new file is a new controller. @throws Error when two have one name */
export async function loadControllers(): Promise<ControllerDefinition<ControllerSettings>[]> {
  const modules = await loadFolder(import.meta.dirname, isDefinition)
  const names = new Map<string, string>()
  for (const { file, value } of modules) {
    const other = names.get(value.name)
    if (other !== undefined) throw new Error(`the controller ${value.name} is defined by ${other} and by ${file}`)
    names.set(value.name, file)
  }
  return modules.map(({ value }) => value)
}

function isDefinition(exported: unknown): exported is ControllerDefinition<ControllerSettings> {
  return (
    typeof exported === 'object' && exported !== null && 'name' in exported && 'create' in exported && typeof exported.create === 'function'
  )
}
