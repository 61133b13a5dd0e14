import { loadFolder } from '../../shared/process/load-folder.ts'
import type { ResourceDefinition, ResourceServices } from '../registry/define-resource.ts'

type Module = ResourceDefinition | ((services: ResourceServices) => ResourceDefinition)

/**
 * Every kind that has a file in this folder, sorted by file: a new file is a new kind.
 * @throws Error when a file defines none, or a kind is defined twice
 */
export async function loadResources(services: ResourceServices): Promise<ResourceDefinition[]> {
  const files = new Map<string, string>()
  const modules = await loadFolder(import.meta.dirname, isModule)
  return modules.map(({ file, value }) => {
    const definition = typeof value === 'function' ? value(services) : value
    const key = `${definition.apiVersion} ${definition.kind}`
    const other = files.get(key)
    if (other !== undefined) throw new Error(`${key} is defined by ${other} and by ${file}`)
    files.set(key, file)
    return definition
  })
}

function isModule(exported: unknown): exported is Module {
  if (typeof exported === 'function') return true
  return typeof exported === 'object' && exported !== null && 'apiVersion' in exported && 'kind' in exported && 'hooks' in exported
}
