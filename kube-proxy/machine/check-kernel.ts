import { featureText, KERNEL_FEATURES } from '../../shared/machine/kernel-features.ts'
import { chainText } from '../dataplane/chains.ts'
import { type RulesetSettings, removal, skeleton } from '../dataplane/ruleset.ts'
import type { RunNft } from '../dataplane/run-nft.ts'

/**
 * Whether this machine takes the rules that Services need: tried without changing anything. Undefined when it does; else what it lacks, one sentence,
 * or nft's own words where each part alone is taken.
 */
export async function kernelProblem(nft: RunNft, settings: RulesetSettings): Promise<string | undefined> {
  const refused = (text: string) => {
    return nft(['-c', '-f', '-'], text).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
  }
  const problem = await refused(everyRule(settings))
  if (problem === undefined) return undefined
  const missing: string[] = []
  for (const each of KERNEL_FEATURES) if ((await refused(featureText(each, settings.family))) !== undefined) missing.push(each.feature)
  // Without nft, or without rights, nothing is taken; that is not the kernel's fault.
  if (missing.length === 0 || missing.length === KERNEL_FEATURES.length) return problem
  return `the kernel lacks ${missing.join(', ')}: load or build the modules named in brackets`
}

/** The table anew, as it may be there already from another version, with a chain of each kind. */
function everyRule(settings: RulesetSettings): string {
  const bys = ['', 'node_'] as const
  const chains = bys.flatMap((by) => [
    chainText(settings, { kind: 'remember', by, seconds: 60 }),
    ...(['random', 'sticky'] as const).flatMap((kind) =>
      (['inside', 'outside', 'kept'] as const).map((clients) => chainText(settings, { kind, by, clients, count: 2 })),
    ),
  ])
  return `${removal(settings)}${skeleton(settings)}${chains.join('')}`
}
