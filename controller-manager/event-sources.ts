/** Under which name a controller's Events are seen, where upstream's is not `<name>-controller`. */
export const eventSources: ReadonlyMap<string, string> = new Map([
  ['node-lifecycle', 'node-controller'],
  ['node-ipam', 'cidrAllocator'],
  ['endpointslicemirroring', 'endpoint-slice-mirroring-controller'],
  ['horizontalpodautoscaling', 'horizontal-pod-autoscaler'],
  ['persistentvolume-binder', 'persistentvolume-controller'],
  ['persistentvolume-expander', 'volume_expand'],
  ['persistentvolume-attach-detach', 'attachdetach-controller'],
  ['ephemeral-volume', 'ephemeral_volume'],
])
