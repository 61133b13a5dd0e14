import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { manualClock } from '../../test/harness/manual-clock.ts'
import type { ContainerStatus, ImageStatus } from '../runtime/container-runtime.ts'
import { collectOnce } from './image-collector.ts'

const { signal } = new AbortController()

function bench() {
  const clock = manualClock()
  const images = new Map<string, ImageStatus>()
  for (const id of ['pause', 'old', 'new', 'used']) images.set(id, { id, tags: [`${id}:1`], digests: [], sizeBytes: 10 })
  const disk = { capacity: 100, available: 50 }
  const containers = [{ imageId: 'used' }] as ContainerStatus[]
  const runtime = {
    listImages: async () => [...images.values()],
    listContainers: async () => containers,
    removeImage: async (id: string) => {
      images.delete(id)
      disk.available += 10
    },
  }
  const seen = new Map<string, number>()
  const options = { runtime, disk: async () => disk, kept: ['pause:1'], clock, log: silentLogger() }
  return { clock, images, disk, containers, look: () => collectOnce(options, seen, signal), left: () => [...images.keys()] }
}

test('nothing is removed while there is room', async () => {
  const { look, left, clock } = bench()
  await look()
  await clock.advance(3_600_000)
  await look()
  assert.deepEqual(left(), ['pause', 'old', 'new', 'used'])
})

test('on a full disk the longest unused goes first, and no more than needed', async () => {
  const { look, left, clock, disk, containers } = bench()
  await look()
  containers.push({ imageId: 'new' } as ContainerStatus)
  await clock.advance(600_000)
  await look()
  containers.pop()
  await clock.advance(600_000)
  disk.available = 12
  await look()
  assert.deepEqual(left(), ['pause', 'new', 'used'])
  disk.available = 0
  await look()
  assert.deepEqual(left(), ['pause', 'used'], 'what is used or kept stays, however full it is')
})

test('an image that has just come stays', async () => {
  const { look, left, disk } = bench()
  disk.available = 0
  await look()
  assert.equal(left().length, 4)
})
