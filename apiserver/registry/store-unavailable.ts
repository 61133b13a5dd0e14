import { StatusError } from '../../shared/errors/status-error.ts'
import { type Entry, type Storage, StorageUnavailable } from '../storage/storage.ts'

/** The answer to a request that the store could not serve; anything else is passed on as it is. */
export function asAnswer(error: unknown, what: string): unknown {
  if (!(error instanceof StorageUnavailable)) return error
  return new StatusError('ServiceUnavailable', `${what}: ${error.message}`, { cause: error, details: { retryAfterSeconds: 1 } })
}

/** Resolves when what other servers have stored is known here too; with false when there are none. @throws StatusError ServiceUnavailable */
export async function upToDate(storage: Pick<Storage, 'barrier'>): Promise<boolean> {
  try {
    const barrier = storage.barrier()
    await barrier
    return barrier !== undefined
  } catch (error) {
    throw asAnswer(error, 'the store does not say what is newest')
  }
}

/** Whether another server has changed what an entry (undefined: nothing) was found under: then nothing may be refused by it. @throws StatusError ServiceUnavailable */
export async function isOutdated(storage: Pick<Storage, 'barrier' | 'newest'>, key: string, found: Entry | undefined): Promise<boolean> {
  return (await upToDate(storage)) && storage.newest(key) !== found
}

/** Whether something is stored under the key, as far as all servers know. @throws StatusError ServiceUnavailable */
export async function isTaken(storage: Pick<Storage, 'barrier' | 'newest' | 'get'>, key: string): Promise<boolean> {
  const found = storage.get(key)
  return found !== undefined && (!(await isOutdated(storage, key, found)) || storage.get(key) !== undefined)
}
