import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CniNetwork } from './cni-config.ts'
import type { CniResult } from './cni-plugin.ts'
import type { NetworkSandbox } from './pod-network.ts'

/** Everything that undoing an attachment needs, also after the configuration changed. */
export interface Attachment {
  sandbox: NetworkSandbox
  network: CniNetwork
  /** Absent while ADD runs: the sandbox is not connected, but may hold an address. */
  result?: CniResult | undefined
}

/** One file a sandbox, in a folder that a reboot empties. */
export interface AttachmentStore {
  save(attachment: Attachment): Promise<void>
  load(sandboxId: string): Promise<Attachment | undefined>
  forget(sandboxId: string): Promise<void>
  ids(): Promise<string[]>
}

export function attachmentStore(folder: string): AttachmentStore {
  const file = (id: string) => join(folder, `${id}.json`)
  const cached = new Map<string, Attachment>()
  return {
    async save(attachment) {
      const { id } = attachment.sandbox
      await mkdir(folder, { recursive: true, mode: 0o700 })
      // Renamed into place: after a crash there is the old text or the new one, never half of it.
      await writeFile(`${file(id)}.new`, JSON.stringify(attachment))
      await rename(`${file(id)}.new`, file(id))
      cached.set(id, attachment)
    },
    async load(id) {
      const known = cached.get(id)
      if (known) return known
      let text: string
      try {
        text = await readFile(file(id), 'utf8')
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
        throw error
      }
      // Written by ourselves; a file damaged by a full disk counts as an attachment never finished.
      const attachment = asAttachment(text)
      if (attachment) cached.set(id, attachment)
      return attachment
    },
    async forget(id) {
      cached.delete(id)
      await rm(file(id), { force: true })
    },
    async ids() {
      const names = await readdir(folder).catch(() => [])
      return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
    },
  }
}

function asAttachment(text: string): Attachment | undefined {
  try {
    const value = JSON.parse(text) as Attachment
    return value?.sandbox?.id && Array.isArray(value.network?.plugins) ? value : undefined
  } catch {
    return undefined
  }
}
