/** Labels that upstream's allocator gives to the IPAddresses it makes (KEP-1880); the second tells them from people's. */
export const IP_FAMILY = 'ipaddress.kubernetes.io/ip-family'
export const IP_MANAGED_BY = 'ipaddress.kubernetes.io/managed-by'
export const IP_ALLOCATOR = 'ipallocator.k8s.io'

/** Whether the allocator made it, and may take it away. */
export function isAllocators({
  metadata,
}: {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> | undefined }
}): boolean {
  return metadata.labels?.[IP_MANAGED_BY] === IP_ALLOCATOR
}
