import { checkDocker } from './check-docker.ts'
import { checkFileServers } from './check-file-servers.ts'
import { checkKernel } from './check-kernel.ts'
import { checkLabMachine } from './check-lab-machine.ts'
import { checkLimits } from './check-limits.ts'
import { checkNetwork } from './check-network.ts'
import { checkPool } from './check-pool.ts'
import { checkPorts } from './check-ports.ts'
import { checkPrograms } from './check-programs.ts'
import { checkRanges } from './check-ranges.ts'
import type { Check } from './finding.ts'

/** All of them, in the order in which they are printed. */
export const allChecks: readonly Check[] = [
  checkPrograms,
  checkDocker,
  checkKernel,
  checkFileServers,
  checkRanges,
  checkNetwork,
  checkPool,
  checkPorts,
  checkLimits,
  checkLabMachine,
]

/** Those that say before the start what would go wrong in ways that are hard to read afterwards. */
export const checksBeforeUp: readonly Check[] = [checkRanges, checkPool, checkPorts, checkLimits]
