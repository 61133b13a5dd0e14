import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import type { ContainerStatus, ImageStatus } from '../runtime/container-runtime.ts'
import { collectOnce, type ImageLimits, imageLimits } from './image-collector.ts'

const { signal } = new AbortController()

function bench(limits?: ImageLimits) {
  const clock = manualClock()
  const images = new Map<string, ImageStatus>()
  for (const id of ['pause', 'old', 'new', 'used']) images.set(id, { id, tags: [`${id}:1`], digests: [], sizeBytes: 10 })
  const disk = { capacity: 100, available: 50 }
  const refused = new Set<string>()
  const containers = [{ imageId: 'used' }] as ContainerStatus[]
  const runtime = {
    listImages: async () => [...images.values()],
    listContainers: async () => containers,
    removeImage: async (id: string) => {
      if (refused.has(id)) throw new Error(`${id} is used by a container of somebody else`)
      images.delete(id)
      disk.available += 10
    },
  }
  const seen = new Map<string, number>()
  const options = { runtime, disk: async () => disk, kept: ['pause:1'], limits, clock, log: silentLogger() }
  return { clock, images, disk, containers, refused, look: () => collectOnce(options, seen, signal), left: () => [...images.keys()] }
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

test('one that cannot be removed does not keep the others', async () => {
  const { look, left, clock, disk, refused } = bench()
  refused.add('old')
  await look()
  await clock.advance(600_000)
  disk.available = 0
  await look()
  assert.deepEqual(left(), ['pause', 'old', 'used'])
})

test('an image that has just come stays', async () => {
  const { look, left, disk } = bench()
  disk.available = 0
  await look()
  assert.equal(left().length, 4)
})

test('limits are what they are set to, and an image that nobody has used for long goes while there is room', async () => {
  const { look, left, clock, containers, disk } = bench({ high: 95, low: 90, youngest: 0, oldest: 1_000_000 })
  await look()
  disk.available = 8
  await look()
  assert.equal(left().length, 4, '92 % are not too much')
  disk.available = 50
  containers.push({ imageId: 'new' } as ContainerStatus)
  await clock.advance(900_000)
  await look()
  assert.equal(left().length, 4)
  await clock.advance(200_000)
  await look()
  assert.deepEqual(left(), ['pause', 'new', 'used'])
})

test('limits that contradict each other are refused', () => {
  const settings = { imageGcHighThresholdPercent: 85, imageGcLowThresholdPercent: 80, imageMinimumGcAge: 1000, imageMaximumGcAge: 0 }
  assert.deepEqual(imageLimits(settings), { high: 85, low: 80, youngest: 1000, oldest: 0 })
  assert.throws(() => imageLimits({ ...settings, imageGcLowThresholdPercent: 90 }), /low-threshold-percent: 90 must be lower/)
  assert.throws(() => imageLimits({ ...settings, imageMaximumGcAge: 500 }), /must be longer/)
})
