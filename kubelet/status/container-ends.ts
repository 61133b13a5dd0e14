import { open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import type { Logger } from '../../shared/logging/logger.ts'
import { containerLabel } from '../containers/container-labels.ts'
import type { ContainerRuntime, ContainerStatus } from '../runtime/container-runtime.ts'

/** Limits of the API: a message file counts this far, a log that stands in for it less. */
const LONGEST_MESSAGE_BYTES = 4096
const LOG_LINES = 80
const LOG_BYTES = 2048

/** What there is to know about containers besides their state: why they ended, and their image's public name. Each is read once. */
export class ContainerEnds {
  readonly #runtime: Pick<ContainerRuntime, 'logs' | 'imageStatus'>
  readonly #log: Logger
  readonly #messages = new Map<string, string>()
  readonly #images: Map<string, string>

  /** `images` is shared by all pods of the node. */
  constructor(runtime: Pick<ContainerRuntime, 'logs' | 'imageStatus'>, images: Map<string, string>, log: Logger) {
    this.#runtime = runtime
    this.#images = images
    this.#log = log
  }

  /** Reads what is missing; afterwards the other methods answer at once. */
  async learn(containers: readonly ContainerStatus[], signal: AbortSignal): Promise<void> {
    const present = new Set(containers.map(({ id }) => id))
    for (const id of this.#messages.keys()) if (!present.has(id)) this.#messages.delete(id)
    for (const container of containers) {
      if (!this.#images.has(container.imageId)) await this.#learnImage(container.imageId, signal)
      if (container.state === 'exited' && !this.#messages.has(container.id)) {
        this.#messages.set(container.id, await this.#readMessage(container, signal))
      }
    }
  }

  message(container: ContainerStatus): string | undefined {
    return this.#messages.get(container.id) || undefined
  }

  imageReference(imageId: string): string {
    return this.#images.get(imageId) ?? imageId
  }

  async #learnImage(imageId: string, signal: AbortSignal): Promise<void> {
    const status = await this.#runtime.imageStatus(imageId, signal)
    this.#images.set(imageId, status?.digests[0] ?? imageId)
  }

  async #readMessage(container: ContainerStatus, signal: AbortSignal): Promise<string> {
    const file = container.labels[containerLabel.messageFile]
    const written = file ? await readStart(file).catch(() => '') : ''
    const wantsLog = container.labels[containerLabel.messagePolicy] === 'FallbackToLogsOnError' && container.exitCode !== 0
    if (written !== '' || !wantsLog) return written
    let text = ''
    const output = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text = (text + chunk).slice(-LOG_BYTES)
        done()
      },
    })
    try {
      await this.#runtime.logs(container.id, { follow: false, timestamps: false, tailLines: LOG_LINES }, output, signal)
    } catch (error) {
      this.#log.debug('the log of an ended container could not be read', { container: container.id, error: String(error) })
    }
    return text
  }
}

async function readStart(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST_MESSAGE_BYTES), 0, LONGEST_MESSAGE_BYTES, 0)
    return buffer.subarray(0, bytesRead).toString()
  } finally {
    await file.close()
  }
}
