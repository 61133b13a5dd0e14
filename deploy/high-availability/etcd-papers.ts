/**
 * Makes what a member of etcd shows and believes: `etcd-papers MEMBER FOLDER CLIENT-FOLDER`. In the first folder an authority and the member's certificate,
 * in the second what API servers come with, and no key but theirs. Members start at once: what they share is made by the first that comes to it.
 */
import { join } from 'node:path'
import { writeFileIfDifferent } from '../../shared/certificates/atomic-file.ts'
import { loadOrMakeAuthority } from '../../shared/certificates/certificate-authority.ts'
import { type LeafWish, loadOrIssueLeaf } from '../../shared/certificates/leaf-certificate.ts'
import { realLogger } from '../../shared/logging/pino-logger.ts'
import { realClock } from '../../shared/time/clock.ts'

const AUTHORITY = {
  ...{ file: 'ca', commonName: 'etcd' },
  cure: "restore it from a backup; or stop all members and API servers, and remove the files of the volumes etcd-pki and etcd-client: 'make up' makes new ones",
}
/** Nobody renews them while etcd runs, so they are valid as long as their authority is. */
const LIFETIME = 10 * 365 * 24 * 60 * 60 * 1000

export async function makeEtcdPapers(member: string, folder: string, clientFolder: string): Promise<void> {
  const log = realLogger({ level: 'info', format: 'text' }).child({ service: 'etcd' })
  const now = realClock().now()
  const authority = await loadOrMakeAuthority(folder, now, log, AUTHORITY)
  const leaf = (wish: Pick<LeafWish, 'file' | 'usages' | 'names'>, where: string) =>
    loadOrIssueLeaf(where, authority, { ...wish, subject: { commonName: wish.file, organizations: [] }, lifetime: LIFETIME }, now, log)
  await leaf(
    { file: member, usages: ['serverAuth', 'clientAuth'], names: { dnsNames: [member, 'localhost'], ipAddresses: ['127.0.0.1'] } },
    folder,
  )
  writeFileIfDifferent(join(clientFolder, 'ca.crt'), authority.certificate, { mode: 0o644 })
  await leaf({ file: 'client', usages: ['clientAuth'] }, clientFolder)
}

if (import.meta.main) {
  const [member = '', folder = '', clientFolder = ''] = process.argv.slice(2)
  await makeEtcdPapers(member, folder, clientFolder)
}
