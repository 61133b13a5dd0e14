import type { Logger } from '../../../shared/logging/logger.ts'
import type { Frame } from '../session-frames.ts'
import type { DockerClient } from './docker-client.ts'
import { framesOf } from './docker-streams.ts'
import { DETACH_KEYS } from './docker-terminal.ts'

/** How much of a container's output is kept for whoever attaches first; of more, the newest. Bytes. */
export const MOST_HELD = 256 * 1024

/** Output from the start of a container on, kept until somebody takes it. Iterated once; it ends with the container. */
export class HeldOutput implements AsyncIterable<Frame> {
  readonly #stop: () => void
  readonly #frames: Frame[] = []
  #bytes = 0
  #isTaken = false
  #isOver = false
  #changed = Promise.withResolvers<void>()

  /** @param stop ends the source */
  constructor(source: AsyncIterable<Frame>, stop: () => void) {
    this.#stop = stop
    void this.#gather(source)
  }

  close(): void {
    this.#isOver = true
    this.#stop()
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    this.#isTaken = true
    try {
      for (;;) {
        const frame = this.#frames.shift()
        if (frame) {
          this.#bytes -= frame.data.length
          this.#wake()
          yield frame
        } else if (this.#isOver) return
        else await this.#changed.promise
      }
    } finally {
      this.close()
    }
  }

  async #gather(source: AsyncIterable<Frame>): Promise<void> {
    try {
      for await (const frame of source) {
        this.#frames.push(frame)
        this.#bytes += frame.data.length
        this.#wake()
        // A container that nobody listens to must not be held up; one that somebody listens to goes at the listener's pace.
        while (!this.#isTaken && this.#bytes > MOST_HELD) this.#bytes -= this.#frames.shift()?.data.length ?? 0
        while (this.#isTaken && this.#bytes > MOST_HELD && !this.#isOver) await this.#changed.promise
      }
    } catch {
      // The engine went away: what there is, is kept, and the listener asks the engine anew.
    }
    this.#isOver = true
    this.#wake()
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

/**
 * Listens to containers that have a stdin from before their start: whoever attaches first sees all that was printed, as if their terminal had
 * been there from the beginning. Only output is connected: a stdin would be closed when we go.
 */
export class EarlyOutput {
  readonly #docker: DockerClient
  readonly #log: Logger
  /** Containers not started yet, and whether they have a terminal. */
  readonly #expected = new Map<string, boolean>()
  readonly #held = new Map<string, HeldOutput>()

  constructor(docker: DockerClient, log: Logger) {
    this.#docker = docker
    this.#log = log
  }

  /** A container was made that people may attach to. */
  expect(id: string, tty: boolean): void {
    this.#expected.set(id, tty)
  }

  /** To be called just before the start; never rejects, because a container can start without. */
  async hold(id: string): Promise<void> {
    const tty = this.#expected.get(id)
    if (tty === undefined || !this.#expected.delete(id)) return
    try {
      const socket = await openOutput(this.#docker, id)
      this.#held.set(id, new HeldOutput(framesOf(socket, tty), () => socket.destroy()))
    } catch (error) {
      this.#log.warn('output before the first attach cannot be kept', { container: id, error: String(error) })
    }
  }

  /** What was held, once. */
  take(id: string): HeldOutput | undefined {
    const held = this.#held.get(id)
    this.#held.delete(id)
    return held
  }

  /** The container is gone. */
  forget(id: string): void {
    this.#expected.delete(id)
    this.take(id)?.close()
  }
}

/** What a container prints from now on. */
export function openOutput(docker: DockerClient, id: string, signal?: AbortSignal): ReturnType<DockerClient['hijack']> {
  return docker.hijack(`/containers/${id}/attach`, { query: { stream: true, stdout: true, stderr: true, detachKeys: DETACH_KEYS }, signal })
}
