import type { Logger } from '../../../shared/logging/logger.ts'
import type { TerminalSize } from '../terminal-size.ts'
import type { DockerClient } from './docker-client.ts'

/**
 * The engine looks for keys that detach a terminal and keeps them back until it knows; its default begins with Control-P, which shells use. There
 * is no "none", so these are keys that nobody presses.
 */
export const DETACH_KEYS = Array(8).fill('ctrl-^').join(',')

/** @param path the engine's for this terminal */
export async function resize(docker: DockerClient, path: string, size: TerminalSize, signal: AbortSignal, log: Logger): Promise<void> {
  try {
    await docker.call('POST', path, { query: { w: size.width, h: size.height }, signal })
  } catch (error) {
    // The engine answers 500 when the command has just ended.
    log.debug('a terminal could not be resized', { path, error: String(error) })
  }
}
