import { CommandError, type RunCommand } from '../command.ts'

/**
 * Lets this machine forward packets of IPv6. A machine that forwards takes no more routes from its router (RFC 4861, 6.2.2), and would lose the way that it has
 * from there: interfaces with such a route are told to go on listening (`accept_ra` 2) before.
 * @throws CommandError where the kernel does not let us
 */
export async function forwardSix(run: RunCommand): Promise<void> {
  const isOn = async () => (await run(['sysctl', '-n', 'net.ipv6.conf.all.forwarding'])).trim() === '1'
  if (await isOn()) return
  for (const device of await advertisedBy(run)) await run(['sysctl', '-qw', `net.ipv6.conf.${device.replaceAll('.', '/')}.accept_ra=2`])
  await run(['sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1']).catch(async (error: unknown) => {
    // Somebody else may have done it in a place that is not ours to write.
    if (!(error instanceof CommandError) || !(await isOn())) throw error
  })
}

/** Interfaces through which a router said that it leads further. */
async function advertisedBy(run: RunCommand): Promise<Set<string>> {
  const listed: unknown = JSON.parse((await run(['ip', '-j', '-6', 'route', 'show', 'default', 'proto', 'ra'])) || '[]')
  const devices = (Array.isArray(listed) ? listed : []).map((route: { dev?: unknown } | null) => route?.dev)
  return new Set(devices.filter((device) => typeof device === 'string'))
}
