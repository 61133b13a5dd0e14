import { realClock } from '../../shared/time/clock.ts'
import { storageContract } from '../../test/contract/storage.ts'
import { FaultyMedium, factsOf, restampText } from '../../test/contract/storage-driver.ts'
import { createMemoryStorage } from './memory-storage.ts'

storageContract({
  name: 'memory',
  durable: false,
  numbersAhead: true,
  create({ recent } = {}) {
    const medium = new FaultyMedium()
    const options = { facts: factsOf, restamp: restampText, clock: realClock(), recent }
    const storage = createMemoryStorage<string>({ ...options, medium: (write) => medium.pass(write) })
    const reopen = () => Promise.reject(new Error('memory does not outlive its store'))
    return Promise.resolve({ storage, medium, reopen, dispose: () => storage.close() })
  },
})
