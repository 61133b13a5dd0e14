import type { Check } from '../check.ts'
import { findProcMount } from './proc-mount.ts'

/** `/proc` is masked, in user namespaces too. */
export const procMountRestricted: Check = {
  id: 'procMount_restricted',
  level: 'restricted',
  replaces: 'procMount',
  versions: [{ since: 35, find: findProcMount }],
}
