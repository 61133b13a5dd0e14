import type { ProviderFactory } from '../provider.ts'

/** Providers by name; each is loaded only where it is used. */
const providers = {
  hetzner: async () => (await import('./hetzner/hetzner-provider.ts')).createHetznerProvider,
  lab: async () => (await import('./lab/lab-provider.ts')).createLabProvider,
} satisfies Record<string, () => Promise<ProviderFactory>>

export type ProviderName = keyof typeof providers

export const providerNames: readonly ProviderName[] = ['lab', 'hetzner']

/** How the provider of this name is made. */
export function providerFactory(name: ProviderName): Promise<ProviderFactory> {
  return providers[name]()
}
