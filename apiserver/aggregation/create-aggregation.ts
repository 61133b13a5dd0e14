import { AvailabilityKeeper } from './availability-keeper.ts'
import { LocalServiceKeeper, type LocalServiceKeeperParts } from './local-service-keeper.ts'
import { RemoteProxy } from './remote-proxy.ts'
import { RemoteReader, type RemoteReaderParts } from './remote-reader.ts'
import { RemoteServices } from './remote-services.ts'

/** APIServices: what is said of this server, and the way to others. */
export interface Aggregation {
  readonly services: RemoteServices
  readonly proxy: RemoteProxy
  /** Knows whose requests are others'; before the first request. Nothing is written yet. */
  load(): void
  /** From now on keeps APIServices right. @throws StatusError when one of our own is refused */
  start(): Promise<void>
  /** Ends every request that is passed on. */
  close(): void
  /** Resolves when nothing is written any more. */
  stop(): Promise<void>
}

export function createAggregation(parts: LocalServiceKeeperParts & RemoteReaderParts): Aggregation {
  const services = new RemoteServices()
  const proxy = new RemoteProxy(parts)
  const locals = new LocalServiceKeeper(parts)
  const ask = new RemoteReader(parts)
  const availability = new AvailabilityKeeper({ ...parts, remotes: services, ask })
  let end: (() => void) | undefined
  return {
    ...{ services, proxy },
    load() {
      end = services.follow(parts.reader)
    },
    async start() {
      await locals.start()
      availability.start()
    },
    close: () => proxy.close(),
    async stop() {
      end?.()
      proxy.close()
      ask.close()
      await locals.stop()
      await availability.stop()
    },
  }
}
