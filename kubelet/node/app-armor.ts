import { readFileSync } from 'node:fs'

/** Whether the kernel confines programs by AppArmor; the engine then gives every container its own profile. */
export function hasAppArmor(file = '/sys/module/apparmor/parameters/enabled'): boolean {
  try {
    return readFileSync(file, 'utf8').startsWith('Y')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}
