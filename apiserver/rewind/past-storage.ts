import type { ObjectFacts, StoredEntry } from '../registry/object-facts.ts'
import type { Storage } from '../storage/storage.ts'

/**
 * The store for a request about one object of the past: that one is what it was (undefined: absent), everything else is the present. A dry run that
 * begins from it is judged by today's rules and surroundings. Nothing can be written through it.
 */
export function pastStorage(present: Storage<ObjectFacts>, key: string, was: StoredEntry | undefined): Storage<ObjectFacts> {
  const refuse = () => Promise.reject(new Error('the past is not written to'))
  const get = (asked: string) => (asked === key ? was : present.get(asked))
  return {
    ...{ revision: present.revision, compacted: present.compacted },
    ...{ get, newest: get, formOf: () => 'newest' },
    ...{ settled: async () => {}, barrier: () => undefined, claims: undefined },
    entries: (prefix) => present.entries(prefix),
    count: (prefix) => present.count(prefix),
    version: (prefix) => present.version(prefix),
    page: (prefix, options) => present.page(prefix, options),
    getAt: (asked, revision) => present.getAt(asked, revision),
    pageAt: (prefix, revision, options) => present.pageAt(prefix, revision, options),
    subscribe: (from, listener, onEnd) => present.subscribe(from, listener, onEnd),
    changes: (from, to) => present.changes(from, to),
    mark: (revision) => present.mark(revision),
    markAt: (time) => present.markAt(time),
    oldestMark: () => present.oldestMark(),
    ...{ write: refuse, compact: refuse, close: refuse },
  }
}
