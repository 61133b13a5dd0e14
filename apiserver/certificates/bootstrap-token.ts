import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { readFileIfPresent, writeFileAtomically } from '../../shared/certificates/atomic-file.ts'
import { UnusableFile } from './unusable-file.ts'

/** A bootstrap token, written `<id>.<secret>`: what a new node shows before it has a certificate. */
export interface BootstrapToken {
  readonly id: string
  readonly secret: string
}

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/

/** Splits `<id>.<secret>`; undefined for anything that is no bootstrap token. */
export function parseBootstrapToken(text: string): BootstrapToken | undefined {
  const [, id, secret] = TOKEN.exec(text) ?? []
  return id !== undefined && secret !== undefined ? { id, secret } : undefined
}

/** The cluster's standing join token, made on the first start. @throws UnusableFile when the file holds something else */
export function loadOrMakeBootstrapToken(directory: string): BootstrapToken {
  const path = join(directory, 'bootstrap-token')
  const text = readFileIfPresent(path)
  if (text !== undefined) {
    const token = parseBootstrapToken(text.trim())
    if (!token)
      throw new UnusableFile(path, 'it holds no token of the form <6 characters>.<16 characters>', 'remove it; a new token is made')
    return token
  }
  const token = { id: randomCharacters(6), secret: randomCharacters(16) }
  writeFileAtomically(path, `${token.id}.${token.secret}\n`, { durable: true })
  return token
}

/** From the operating system's generator: this is a secret, never from the replayable one. */
function randomCharacters(length: number): string {
  return Array.from({ length }, () => '0123456789abcdefghijklmnopqrstuvwxyz'[randomInt(36)]).join('')
}
