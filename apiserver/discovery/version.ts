/** What this server says it is: the Kubernetes release whose API it serves, and our own name. */
export const versionInfo = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+coxswain',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
} as const
