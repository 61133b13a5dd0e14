/** What the server says of every object, which nobody owns: as upstream's list. */
const servers = new Set(['apiVersion', 'kind'])
const serversOfMetadata = new Set([
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'],
])

export const isServers = (name: string): boolean => servers.has(name)
export const isServersOfMetadata = (name: string): boolean => serversOfMetadata.has(name)

/** The same as paths. */
export const strippedPaths: readonly (readonly string[])[] = [
  ...Array.from(servers, (name) => [`f:${name}`]),
  ['f:metadata'],
  ...Array.from(serversOfMetadata, (name) => ['f:metadata', `f:${name}`]),
]
