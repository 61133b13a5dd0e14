import { readFileSync } from 'node:fs'
import { authorityHash } from './joining/authority-hash.ts'
import type { MachineRecord } from './machine/machine-record.ts'
import { places } from './machine/places.ts'

/** What is typed on a machine that is to join; on the server only. */
export function joinCommand({ server }: MachineRecord, token: string): string {
  const hash = authorityHash(readFileSync(`${places.config}/ca.crt`, 'utf8'))
  return `deploy/lab/coxswain-lab.sh join --server=${server} --token=${token} --discovery-token-ca-cert-hash=${hash}`
}
