import { join } from 'node:path'
import { readFileIfPresent, writeFileAtomically } from '../../shared/certificates/atomic-file.ts'
import { type BootstrapToken, makeBootstrapToken, parseBootstrapToken } from '../../shared/certificates/bootstrap-token.ts'
import { UnusableFile } from './unusable-file.ts'

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
  const token = makeBootstrapToken()
  writeFileAtomically(path, `${token.id}.${token.secret}\n`, { durable: true })
  return token
}
