import { join } from 'node:path'
import { createFileOnce, readFileIfPresent } from '../../shared/certificates/atomic-file.ts'
import { type BootstrapToken, makeBootstrapToken, parseBootstrapToken } from '../../shared/certificates/bootstrap-token.ts'
import { UnusableFile } from '../../shared/certificates/unusable-file.ts'

/** The cluster's standing join token, made on the first start. @throws UnusableFile when the file holds something else */
export function loadOrMakeBootstrapToken(directory: string): BootstrapToken {
  const path = join(directory, 'bootstrap-token')
  const token = parseBootstrapToken((readFileIfPresent(path) ?? newToken(path)).trim())
  if (!token) throw new UnusableFile(path, 'it holds no token of the form <6 characters>.<16 characters>', 'remove it; a new token is made')
  return token
}

function newToken(path: string): string {
  const { id, secret } = makeBootstrapToken()
  return createFileOnce(path, `${id}.${secret}\n`, { durable: true })
}
