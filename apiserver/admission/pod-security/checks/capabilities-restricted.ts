import { type Check, exceptOnWindows, type FindViolation } from '../check.ts'
import { containersThat, named, quotedList, sortedSet } from '../wording.ts'

const find: FindViolation = (_metadata, spec) => {
  const keeping = containersThat(spec, ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'))
  const added: string[] = []
  const adding = containersThat(spec, ({ securityContext }) => {
    const others = (securityContext?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE')
    for (const capability of others) added.push(capability)
    return others.length > 0
  })
  const details = [
    ...(keeping.length > 0 ? [`${named('container', keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0
      ? [`${named('container', adding)} must not include ${quotedList(sortedSet(added))} in securityContext.capabilities.add`]
      : []),
  ]
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') }
}

/** All capabilities are dropped, and only the one for low ports is added. */
export const capabilitiesRestricted: Check = {
  id: 'capabilities_restricted',
  level: 'restricted',
  replaces: 'capabilities_baseline',
  versions: [
    { since: 22, find },
    { since: 25, find: exceptOnWindows(find) },
  ],
}
