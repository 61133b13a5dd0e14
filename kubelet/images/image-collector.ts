import type { Logger } from '../../shared/logging/logger.ts'
import { ConfigError } from '../../shared/process/config.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import type { ContainerRuntime, ImageStatus } from '../runtime/container-runtime.ts'

export interface ImageCollectorOptions {
  runtime: Pick<ContainerRuntime, 'listImages' | 'listContainers' | 'removeImage'>
  /** Of the file system that holds the images, in bytes. */
  disk: () => Promise<{ capacity: number; available: number }>
  /** Images nobody may remove: the one that holds pods' namespaces. */
  kept: readonly string[]
  /** Absent: the usual. */
  limits?: ImageLimits | undefined
  clock: Clock
  log: Logger
}

/** When images go. */
export interface ImageLimits {
  /** Percent of the disk: above `high` images are removed until `low` is reached. */
  high: number
  low: number
  /** Milliseconds: an image that has just come is about to be used. */
  youngest: number
  /** Milliseconds after which one without use goes in any case; 0: never. */
  oldest: number
}

const USUAL: ImageLimits = { high: 85, low: 80, youngest: 120_000, oldest: 0 }
const EVERY_MILLISECONDS = 300_000

export interface ImageSettings {
  imageGcHighThresholdPercent: number
  imageGcLowThresholdPercent: number
  /** Milliseconds. */
  imageMinimumGcAge: number
  imageMaximumGcAge: number
}

/** @throws ConfigError for limits that contradict each other */
export function imageLimits(settings: ImageSettings): ImageLimits {
  const { imageGcHighThresholdPercent: high, imageGcLowThresholdPercent: low } = settings
  const { imageMinimumGcAge: youngest, imageMaximumGcAge: oldest } = settings
  // At 100 nothing is ever removed for the disk's sake, as upstream has it.
  if (low >= high)
    throw new ConfigError(`--image-gc-low-threshold-percent: ${low} must be lower than --image-gc-high-threshold-percent, ${high}`)
  if (oldest > 0 && oldest <= youngest) throw new ConfigError('--image-maximum-gc-age: must be longer than --image-minimum-gc-age')
  return { high, low, youngest, oldest }
}

/** Removes images nobody uses while the disk is nearly full, those unused for longest first, until the signal aborts. */
export async function collectImages(options: ImageCollectorOptions, signal: AbortSignal, seen = new Map<string, number>()): Promise<void> {
  const { clock, log } = options
  while (!signal.aborted) {
    try {
      await collectOnce(options, seen, signal)
    } catch (error) {
      if (signal.aborted) return
      log.warn('unused images could not be looked for; trying again later', { error: String(error) })
    }
    await pause(clock, EVERY_MILLISECONDS, signal)
  }
}

/** One look. `seen` remembers when each image was used last, or first noticed. */
export async function collectOnce(options: ImageCollectorOptions, seen: Map<string, number>, signal: AbortSignal): Promise<void> {
  const { runtime, clock, log, limits = USUAL } = options
  const [images, containers, disk] = await Promise.all([runtime.listImages(signal), runtime.listContainers({}, signal), options.disk()])
  const used = new Set(containers.map(({ imageId }) => imageId))
  const now = clock.now()
  for (const id of seen.keys()) if (!images.some((image) => image.id === id)) seen.delete(id)
  for (const { id } of images) if (used.has(id) || !seen.has(id)) seen.set(id, now)

  const unused = images.filter((image) => !used.has(image.id) && !image.pinned && !image.tags.some((tag) => options.kept.includes(tag)))
  const isOld = ({ id }: ImageStatus) => limits.oldest > 0 && now - (seen.get(id) ?? now) > limits.oldest
  const old = unused.filter(isOld)
  const full = 100 * (1 - disk.available / disk.capacity)
  const excess = full < limits.high ? 0 : disk.capacity * (1 - limits.low / 100) - disk.available
  const others = unused.filter((image) => !isOld(image))
  for (const image of [...old, ...imagesToRemove(others, seen, now, excess - totalSize(old), limits.youngest)]) {
    log.info('removing an image that nobody uses', { image: image.tags[0] ?? image.id, bytes: image.sizeBytes })
    try {
      await runtime.removeImage(image.id, signal)
      seen.delete(image.id)
    } catch (error) {
      // One that somebody else uses must not keep the others.
      signal.throwIfAborted()
      log.warn('an image could not be removed', { image: image.tags[0] ?? image.id, error: String(error) })
    }
  }
}

/** Removes every image that is not in use and has not just come: somebody's disk is full. */
export async function removeUnusedImages(
  options: Omit<ImageCollectorOptions, 'disk'>,
  seen: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  await collectOnce({ ...options, disk: async () => ({ capacity: Number.MAX_SAFE_INTEGER, available: 0 }) }, seen, signal)
}

/** The images whose removal frees so many bytes, those unused for longest first. */
function imagesToRemove(
  unused: readonly ImageStatus[],
  lastUse: ReadonlyMap<string, number>,
  now: number,
  bytesToFree: number,
  youngest: number = USUAL.youngest,
): ImageStatus[] {
  const age = (image: ImageStatus) => now - (lastUse.get(image.id) ?? now)
  const chosen: ImageStatus[] = []
  let left = bytesToFree
  for (const image of [...unused].sort((a, b) => age(b) - age(a))) {
    if (left <= 0) break
    if (age(image) < youngest) continue
    chosen.push(image)
    left -= image.sizeBytes
  }
  return chosen
}

function totalSize(images: readonly ImageStatus[]): number {
  return images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
