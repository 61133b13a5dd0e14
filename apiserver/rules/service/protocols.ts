/** Transport protocols a port may have. */
export const protocols: readonly string[] = ['SCTP', 'TCP', 'UDP']
