import { request } from 'node:https'

/**
 * Status of an answer to nobody in particular; undefined: there is no answer, or none before the signal. Whose certificate it is, is not asked: before the
 * first answer there is nothing to compare it with, and nothing is told to the server.
 */
export function anonymousStatus(url: string, signal: AbortSignal = AbortSignal.timeout(2000)): Promise<number | undefined> {
  return new Promise((resolve) => {
    request(url, { rejectUnauthorized: false, agent: false, signal }, (response) => {
      response.resume().on('close', () => resolve(response.statusCode))
    })
      .on('error', () => resolve(undefined))
      .end()
  })
}
