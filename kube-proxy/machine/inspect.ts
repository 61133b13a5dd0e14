import type { Logger } from '../../shared/logging/logger.ts'
import type { RulesetSettings } from '../dataplane/ruleset.ts'
import type { RunNft } from '../dataplane/run-nft.ts'
import { kernelProblem } from './check-kernel.ts'
import { foreignConflicts } from './foreign-rules.ts'

interface Inspected {
  nft: RunNft
  /** For each family of the cluster. */
  rulesets: readonly RulesetSettings[]
  nodePortAddresses: readonly string[]
  log: Logger
}

/** Says at the start what on this machine will keep Services from working. Nothing is changed, and whoever cures it need not start us again. */
export async function inspectMachine({ nft, rulesets, nodePortAddresses, log }: Inspected): Promise<void> {
  const told = new Set<string>()
  for (const ruleset of rulesets) {
    const { family, clusterCidr } = ruleset
    const problem = await kernelProblem(nft, ruleset)
    if (problem !== undefined) log.error('this machine does not take the rules of Services', { family, why: problem })
    try {
      for (const { what, cure } of await foreignConflicts(nft, clusterCidr)) {
        // Another proxy is in the way of both families, and is one.
        if (!told.has(`${what} ${cure}`)) log.warn('rules of others are in the way', { what, cure })
        told.add(`${what} ${cure}`)
      }
    } catch (error) {
      log.warn('rules of others could not be looked at', { error })
    }
  }
  if (nodePortAddresses.some((range) => range.startsWith('127.'))) {
    log.warn('node ports are never served on loopback: that part of --node-port-addresses has no effect', { nodePortAddresses })
  }
}
