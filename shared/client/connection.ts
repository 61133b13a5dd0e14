import { readFileSync, statSync } from 'node:fs'

/** How often those who use a source ask it anew, at most: it looks at files. */
export const LOOK_AGAIN_MILLISECONDS = 5_000

/** Where the server is and who we are to it. */
export interface Connection {
  /** e.g. `https://127.0.0.1:6443`. */
  server: string
  /** Where the cluster has several API servers: all of them, `server` too. Ways to one cluster, with one authority and the same credentials. */
  servers?: readonly string[] | undefined
  /** PEM of the authorities that may vouch for the server; absent: the system's. */
  ca?: string | undefined
  /** PEM of our client certificate and its key. */
  certificate?: string | undefined
  key?: string | undefined
  token?: string | undefined
  /** The name to expect in the server's certificate, when it differs from the URL's. */
  serverName?: string | undefined
  /** Trust any server. */
  insecure?: boolean | undefined
}

/** A connection whose parts may change on disk while the process runs (rotated certificates, refreshed tokens). */
export interface ConnectionSource {
  /** The same object while nothing changed. @throws Error when a file is missing or malformed */
  current(): Connection
}

/** A connection that never changes. */
export function fixedConnection(connection: Connection): ConnectionSource {
  return { current: () => connection }
}

/** The same server with nothing of ours to show: for requests that bring credentials of their own. */
export function withoutCredentials(source: ConnectionSource): ConnectionSource {
  let known: { from: Connection; bare: Connection } | undefined
  return {
    current() {
      const from = source.current()
      if (known?.from !== from) {
        const { certificate: _certificate, key: _key, token: _token, ...bare } = from
        known = { from, bare }
      }
      return known.bare
    },
  }
}

/** The same connection to one server of several. */
export function towardsServer(source: ConnectionSource, server: string): ConnectionSource {
  let known: { from: Connection; to: Connection } | undefined
  return {
    current() {
      const from = source.current()
      if (known?.from !== from) known = { from, to: { ...from, server } }
      return known.to
    },
  }
}

/** Reads files and remembers which, so that a change of any of them is noticed by one `stat` each. */
export type FileReader = (path: string) => string

/**
 * A connection made from files: `read` is called again when a file that it read the last time has changed.
 * While new content cannot be read (half-written by somebody careless), the previous connection stays in use.
 */
export function connectionFromFiles(read: (file: FileReader) => Connection): ConnectionSource {
  let known: { connection: Connection; stamps: Map<string, string> } | undefined
  const load = () => {
    const stamps = new Map<string, string>()
    const connection = read((path) => {
      stamps.set(path, stampOf(path))
      return readFileSync(path, 'utf8')
    })
    known = { connection, stamps }
    return connection
  }
  return {
    current() {
      if (!known) return load()
      if ([...known.stamps].every(([path, stamp]) => stampOf(path) === stamp)) return known.connection
      try {
        return load()
      } catch {
        return known.connection // the next look tries again; what we have worked until now
      }
    },
  }
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : 'absent'
}
